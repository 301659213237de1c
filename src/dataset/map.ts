import { InvalidArgumentError } from '../errors/index.ts'
import type { CallPolicy } from '../limit/calls.ts'
import type { Cost } from '../limit/cost.ts'
import { Limit } from '../limit/limit.ts'
import { type RetryOptions, retryPolicyOf } from '../limit/retry.ts'
import { checkFunction, checkOptionNames, checkWhole, type GroupKey } from '../operators/check.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { inline } from '../place/index.ts'
import { isStage, type Placed } from '../stage/index.ts'
import { type Duration, durationMs } from '../stream/duration.ts'
import type { Local } from '../stream/local.ts'
import type { PlacedStage } from '../stream/pool.ts'
import { describe } from '../tensor/index.ts'

/**
 * How `map` calls its function. With `limit`, `retry`, `timeout`, `cache` or `orderedBy` its calls are calls to
 * the world: functions should hand `local.signal` on to what they call.
 */
export interface MapOptions<T = unknown, U = unknown> {
  /**
   * Calls under way at most; `'auto'` learns how many are worth it, up to 256, and begins with 16. Default: `'auto'`
   * for `async` functions and with a limit, 16 for `async` functions with other options that make calls calls to the
   * world, and 1 for other functions; as many as it has workers for a stage with a place, which looks at a number only
   * beside those options.
   */
  readonly parallelism?: number | 'auto'
  /**
   * `false` hands results on as they finish, whatever the order of their elements: a slow call holds up no quick one.
   * Which elements come out stays the same, and a resume yields exactly those that were not delivered. With `orderedBy`
   * elements of equal key keep their order. Default true.
   */
  readonly deterministic?: boolean
  /** What paces the calls: a limit, or a function that chooses one by the element - of its host, its tenant. */
  readonly limit?: Limit | ((x: T) => Limit)
  /** What a call will cost, known or guessed beforehand: tokens, or amounts by meter such as `{ tokens, usd }`. */
  readonly cost?: (x: T) => Cost
  /** What a call did cost, from its result; it corrects `cost`. */
  readonly spent?: (result: U, x: T) => Cost
  /**
   * Further calls after one that failed for a reason that passes (see `failureOf` in `millstream/http`), with
   * growing, random pauses. Default: only what the server of a `limit` refused is called again. An element that ended its
   * worker counts as such.
   */
  readonly retry?: number | RetryOptions
  /**
   * Time for one call; then its signal is aborted, and it has failed for a reason that passes. A stage in a worker that
   * does not heed its signal is ended with its worker, and another takes its place.
   */
  readonly timeout?: Duration
  /** What becomes of an element that failed: `'fail'` (default) ends the run, `'skip'` and `'deadLetter'` go on. */
  readonly onError?: 'fail' | 'skip' | 'deadLetter'
  /** Elements that may be left out before the run fails after all. Default: any number. */
  readonly maxErrors?: number
  /**
   * Name under which results are kept for later runs, such as `'topics@v3'`: equal elements cost no call. The
   * result must be plain data that follows from the element alone; another version needs another name.
   */
  readonly cache?: string
  /** Elements of equal key are called one after the other, in their order; others at the same time. */
  readonly orderedBy?: (x: T) => GroupKey
}

const ASYNC_PARALLELISM = 16

// Async functions are known by their constructor; plain functions that return promises are not.
const AsyncFunction = (async () => undefined).constructor

/** What `map` takes: a function, a stage, or a stage with a place. */
export type MapFn<T, U> = ((x: T, local: Local) => U | Promise<U>) | Placed<T, U>

/** The plan's node of `map`: a loop body for synchronous functions, a junction for all others. */
export function mapNode<T, U>(
  input: PlanNode,
  fn: MapFn<T, U>,
  options: MapOptions<T, U>,
  at: At,
): PlanNode {
  const { parallelism, onError = 'fail', maxErrors, deterministic = true } = options
  checkOptions(options)
  const placed = placedOf(fn)
  const isAsync = fn instanceof AsyncFunction
  if (!deterministic && placed === undefined && !isAsync) checkOverlap(options)
  const lanes = isAsync ? ASYNC_PARALLELISM : 1
  const policy = policyOf(options, placed ? 'auto' : lanes)
  if (placed === undefined) {
    checkFunction('map', fn)
    if (!isAsync && parallelism === undefined && onError === 'fail' && policy === undefined) {
      return makeNode('map', { fn }, [input], at)
    }
  }
  const params = {
    fn: placed ?? fn,
    parallelism: parallelism ?? (isAsync ? 'auto' : lanes),
    onError,
    ...(deterministic ? {} : { deterministic }),
    ...(maxErrors === undefined ? {} : { maxErrors }),
    ...(policy === undefined ? {} : { policy }),
  }
  return makeNode('mapAsync', params, [input], at)
}

const optionNames: Readonly<Record<keyof MapOptions, true>> = {
  parallelism: true,
  deterministic: true,
  limit: true,
  cost: true,
  spent: true,
  retry: true,
  timeout: true,
  onError: true,
  maxErrors: true,
  cache: true,
  orderedBy: true,
}

/** @throws InvalidArgumentError when calls of a plain function would come one after the other. */
function checkOverlap<T, U>({ parallelism, limit }: MapOptions<T, U>): void {
  if (parallelism !== undefined || limit !== undefined) return
  throw new InvalidArgumentError(
    'map: deterministic: false is for results that overtake each other, and calls of a plain function come one after ' +
      'the other: use an async function, say { parallelism }, or give a stage a place with .on(threads())',
  )
}

const policies = new Set(['fail', 'skip', 'deadLetter'])

function checkOptions<T, U>(options: MapOptions<T, U>): void {
  checkOptionNames('map', options, optionNames)
  const { parallelism, onError = 'fail', maxErrors, deterministic = true } = options
  if (typeof deterministic !== 'boolean') {
    throw new InvalidArgumentError(
      `map: deterministic must be true or false, not ${describe(deterministic)}`,
    )
  }
  if (parallelism !== undefined && parallelism !== 'auto') {
    checkWhole('map', 'parallelism', parallelism, 1)
  }
  if (!policies.has(onError)) {
    throw new InvalidArgumentError(
      `map: onError must be 'fail', 'skip' or 'deadLetter', not '${onError}'`,
    )
  }
  if (maxErrors === undefined) return
  checkWhole('map', 'maxErrors', maxErrors, 0)
  if (onError !== 'fail') return
  throw new InvalidArgumentError(
    "map: maxErrors counts what is left out: say onError: 'skip' or 'deadLetter' beside it",
  )
}

/** The options that make calls of the function calls to the world, complete; undefined without any. */
function policyOf<T, U>(options: MapOptions<T, U>, lanes: number | 'auto'): CallPolicy | undefined {
  const { parallelism, limit, cost, spent, retry, timeout, cache, orderedBy } = options
  const any = [limit, cost, spent, retry, timeout, cache, orderedBy].some((x) => x !== undefined)
  if (!any) return undefined
  for (const [name, fn] of Object.entries({ cost, spent, orderedBy })) {
    if (fn !== undefined) checkFunction(`map: ${name}`, fn)
  }
  if (limit !== undefined && typeof limit !== 'function') checkLimit(limit, cost)
  if (cache !== undefined && (typeof cache !== 'string' || cache === '')) {
    throw new InvalidArgumentError("map: cache must be a name such as 'topics@v3'")
  }
  return {
    parallelism: parallelism ?? (limit === undefined ? lanes : 'auto'),
    limit,
    cost,
    spent,
    retry: retryPolicyOf(retry),
    timeout: timeout === undefined ? undefined : durationMs('map', 'timeout', timeout),
    cache,
    orderedBy,
  }
}

function checkLimit(limit: Limit, cost: unknown): void {
  if (!(limit instanceof Limit)) {
    throw new InvalidArgumentError("map: limit must be made by limit('name', { ... })")
  }
  if (limit.options.tokens === undefined || cost !== undefined) return
  throw new InvalidArgumentError(
    `map: limit ${limit.name} counts tokens: say what an element costs, { limit, cost: (x) => ... }`,
  )
}

/** A stage without a place runs in this thread, set up and torn down with the run like any other. */
function placedOf<T, U>(fn: MapFn<T, U>): PlacedStage | undefined {
  if (typeof fn === 'object' && fn !== null && 'place' in fn) return fn
  return isStage(fn) ? fn.on(inline) : undefined
}
