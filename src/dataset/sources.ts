import { InvalidArgumentError } from '../errors/index.ts'
import type { CallPolicy } from '../limit/calls.ts'
import { Limit } from '../limit/limit.ts'
import { type RetryOptions, retryPolicyOf } from '../limit/retry.ts'
import { checkFunction, checkSeed } from '../operators/check.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { closable } from '../sources/streams.ts'
import type { Page } from '../sources/pages.ts'
import { type Duration, durationMs } from '../stream/duration.ts'
import type { Json } from '../stream/operator.ts'
import { batchLength, describe } from '../tensor/index.ts'
import type { Widened } from './widened.ts'

/** The plan's nodes of sources, their arguments checked. */

export function rangeNode(start: number, stop: number, step: number, at: At): PlanNode {
  for (const [name, value] of Object.entries({ start, stop, step })) {
    const infinite = name === 'stop' && Math.abs(value) === Infinity
    if (typeof value !== 'number' || !(Number.isFinite(value) || infinite)) {
      throw new InvalidArgumentError(`range: ${name} must be a number, not ${describe(value)}`)
    }
  }
  if (step === 0) throw new InvalidArgumentError('range: step must not be 0')
  return makeNode('range', { start, stop, step }, [], at)
}

export function counterNode(start: number, step: number, at: At): PlanNode {
  for (const [name, value] of Object.entries({ start, step })) {
    if (typeof value === 'number' && Number.isFinite(value)) continue
    throw new InvalidArgumentError(`counter: ${name} must be a number, not ${describe(value)}`)
  }
  return makeNode('counter', { start, step }, [], at)
}

/** Options of `Dataset.random`. */
export interface RandomOptions {
  /** Tells sources of one run apart; mixed with the run's seed. Default 0. */
  readonly seed?: number
  /** True gives every epoch and every iteration other numbers. Default false, as in tf.data. */
  readonly rerandomizeEachIteration?: boolean
}

export function randomNode({ seed, rerandomizeEachIteration }: RandomOptions, at: At): PlanNode {
  checkSeed('random', seed)
  const rerandomize = rerandomizeEachIteration === true
  return makeNode('random', { seed, rerandomize }, [], at)
}

export function arrayNode(items: readonly unknown[], at: At): PlanNode {
  if (!Array.isArray(items)) {
    throw new InvalidArgumentError(`fromArray takes an array, not ${describe(items)}`)
  }
  return makeNode('array', { items }, [], at)
}

export function slicesNode(columns: unknown, at: At): PlanNode {
  try {
    batchLength(columns)
  } catch (cause) {
    const hint = Array.isArray(columns) ? '. For the items of a plain array use fromArray' : ''
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new InvalidArgumentError(`fromTensorSlices: ${why}${hint}`, { cause })
  }
  return makeNode('slices', { columns }, [], at)
}

/** How a generator is resumed without reading all again. */
export interface CursorOptions<T, C extends NonNullable<Json>> {
  /** What `make` gets as `from` at the start. */
  readonly start: C
  /** The place of an element: what `make` gets to go on behind it. */
  readonly cursor: (x: T) => Widened<C> | undefined
}

export function generatorNode<T>(
  make: (signal: AbortSignal, from: never) => Iterable<T> | AsyncIterable<T>,
  options: CursorOptions<T, NonNullable<Json>> | undefined,
  at: At,
): PlanNode {
  checkFunction('fromGenerator', make)
  if (options === undefined) return makeNode('generator', { make, replayable: true }, [], at)
  const { start, cursor: of } = options
  checkFunction('fromGenerator: cursor', of)
  checkCursor('fromGenerator', start)
  return makeNode('generator', { make, replayable: true, cursor: { start, of } }, [], at)
}

export function iterableNode(
  iterable: Iterable<unknown> | AsyncIterable<unknown> | ReadableStream<unknown>,
  at: At,
): PlanNode {
  if (Array.isArray(iterable)) return arrayNode(iterable, at)
  const replayable = !('next' in iterable || 'pipe' in iterable || 'getReader' in iterable)
  return makeNode('generator', { make: () => closable(iterable), replayable }, [], at)
}

/** Where a paged source starts and how it is read. With `limit`, `retry` or `timeout`, as in `map`. */
export interface PagesOptions<T, C extends NonNullable<Json>> extends PagesCalls {
  /** The first page's cursor; not null. */
  readonly start: C
  readonly read: (
    cursor: Widened<C>,
    signal: AbortSignal,
  ) => Page<T, Widened<C>> | Promise<Page<T, Widened<C>>>
}

export function pagesNode<T, C extends NonNullable<Json>>(
  { start, read, ...calls }: PagesOptions<T, C>,
  at: At,
): PlanNode {
  checkFunction('fromPages: read', read)
  checkCursor('fromPages', start)
  const policy = pagesPolicy(calls)
  return makeNode('pages', { start, read, ...(policy && { policy }) }, [], at)
}

/** How pages are asked for. */
interface PagesCalls {
  /** What paces the calls of `read`, of this source and all others with it. Of requests; pages have no costs. */
  readonly limit?: Limit
  /** Further calls for a page after one that failed for a reason that passes; default as in `map`. */
  readonly retry?: number | RetryOptions
  /** Time for one call; then its signal is aborted, and it has failed for a reason that passes. */
  readonly timeout?: Duration
}

function pagesPolicy({ limit, retry, timeout }: PagesCalls): CallPolicy | undefined {
  if (limit === undefined && retry === undefined && timeout === undefined) return undefined
  if (limit !== undefined && !(limit instanceof Limit)) {
    throw new InvalidArgumentError("fromPages: limit must be made by limit('name', { ... })")
  }
  if (limit?.options.tokens !== undefined) {
    throw new InvalidArgumentError(
      `fromPages: limit ${limit.name} counts tokens, and pages have no costs: give one of requests`,
    )
  }
  return {
    parallelism: 1,
    limit,
    cost: undefined,
    spent: undefined,
    retry: retryPolicyOf(retry),
    timeout: timeout === undefined ? undefined : durationMs('fromPages', 'timeout', timeout),
    cache: undefined,
    orderedBy: undefined,
  }
}

function checkCursor(op: string, start: unknown): void {
  if (start !== null && JSON.stringify(start) !== undefined) return
  throw new InvalidArgumentError(
    `${op}: start must be a JSON value other than null, such as '' or 0, not ${describe(start)}`,
  )
}

/** Options of `Dataset.listFiles`. */
export interface ListFilesOptions {
  /** True gives the files in a random order, another in each epoch. Default false: sorted. */
  readonly shuffle?: boolean
  /** Tells shuffles of one run apart; mixed with the run's seed. Default 0. */
  readonly seed?: number
}

export function listFilesNode(
  pattern: string | readonly string[],
  { shuffle = false, seed = 0 }: ListFilesOptions,
  at: At,
): PlanNode {
  const patterns = (typeof pattern === 'string' ? [pattern] : pattern).map((one) =>
    checkPath('listFiles', one),
  )
  if (patterns.length === 0) throw new InvalidArgumentError('listFiles takes a pattern, or some')
  checkSeed('listFiles', seed)
  const shuffleSeed = shuffle ? seed : undefined
  return makeNode('listFiles', { patterns, shuffleSeed }, [], at)
}

export function labeledFilesNode(folder: string, at: At): PlanNode {
  return makeNode('labeledFiles', { folder: checkPath('labeledFiles', folder) }, [], at)
}

function checkPath(op: string, path: string): string {
  if (typeof path === 'string' && path !== '') return path
  throw new InvalidArgumentError(`${op} takes a path, not ${describe(path)}`)
}
