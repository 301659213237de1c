import { InvalidArgumentError } from '../errors/index.ts'
import { checkFunction, checkSeed, type GroupKey } from '../operators/check.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { describe } from '../tensor/index.ts'

/** The plan's nodes of `groupBy` and `split`, their arguments checked. */

/** Folds the elements of a group, one after the other. */
export interface Reducer<T, K extends GroupKey, S> {
  /** The state before the group's first element. */
  readonly init: (key: K) => S
  /** The next state. It may be the same object, changed. */
  readonly reduce: (state: S, x: T) => S
}

/** A reducer that makes something of the last state of a group. */
export interface FinalReducer<T, K extends GroupKey, S, U> extends Reducer<T, K, S> {
  readonly finalize: (state: S, key: K) => U
}

export function groupByNode(
  input: PlanNode,
  key: unknown,
  reducer: { readonly init: unknown; readonly reduce: unknown; readonly finalize?: unknown },
  at: At,
): PlanNode {
  checkFunction('groupBy', key)
  checkFunction("groupBy's init", reducer.init)
  checkFunction("groupBy's reduce", reducer.reduce)
  if (reducer.finalize !== undefined) checkFunction("groupBy's finalize", reducer.finalize)
  return makeNode('groupBy', { key, reducer }, [input], at)
}

/**
 * Options of `split`: `key`, `seed`, and the parts by name, each a fraction of the elements, or `'rest'` for what
 * the others leave.
 */
export interface SplitOptions<T> {
  /** What of an element decides its part: equal keys are in one part. Default: the element's position. */
  readonly key?: (x: T) => unknown
  /** Another seed, another split: a whole number. Default 0. */
  readonly seed?: number
  readonly [part: string]: number | 'rest' | ((x: T) => unknown) | undefined
}

type PartNames<P> = Exclude<keyof P, 'key' | 'seed'>

/** Names of the parts: those given, and `train` when none of them is the rest. */
export type SplitParts<P> = PartNames<P> | ('rest' extends P[PartNames<P>] ? never : 'train')

/** The plan's node of each part. */
export function splitNodes<P extends SplitOptions<never>>(
  input: PlanNode,
  options: P,
  at: At,
): Readonly<Record<SplitParts<P>, PlanNode>> {
  const { key, seed = 0, ...parts } = options
  if (key !== undefined) checkFunction("split's key", key)
  checkSeed('split', seed)
  const sizes = Object.entries(parts).map(([name, size]) => [name, checkSize(name, size)] as const)
  const sum = sizes.reduce((all, [, size]) => all + (size === 'rest' ? 0 : size), 0)
  const rests = sizes.filter(([, size]) => size === 'rest')
  checkSizes(sizes, rests.length, sum)
  const named = rests.length > 0 || Object.hasOwn(parts, 'train')
  const all = named ? sizes : [...sizes, ['train', 'rest'] as const]
  const nodes: Record<string, PlanNode> = {}
  let low = 0
  all.forEach(([name, size], k) => {
    const share = size === 'rest' ? Math.max(0, 1 - sum) : size
    // Sums of fractions miss 1 by a little, and no element may fall through.
    const high = k === all.length - 1 ? 1 : Math.min(1, low + share)
    nodes[name] = makeNode('split', { fn: key, seed, low, high }, [input], at)
    low = high
  })
  return nodes as Record<SplitParts<P>, PlanNode>
}

/** A record of the same names with other values. */
export function mapValues<K extends PropertyKey, V, W>(
  record: Readonly<Record<K, V>>,
  change: (value: V) => W,
): Readonly<Record<K, W>> {
  const entries = Object.entries<V>(record).map(([name, value]) => [name, change(value)])
  return Object.fromEntries(entries) as Record<K, W>
}

function checkSize(name: string, size: unknown): number | 'rest' {
  if (size === 'rest') return size
  if (typeof size === 'number' && size >= 0 && size <= 1) return size
  throw new InvalidArgumentError(
    `split: ${name} must be a fraction from 0 to 1, or 'rest', not ${describe(size)}`,
  )
}

const TOLERANCE = 1e-9

function checkSizes(
  sizes: readonly (readonly [string, number | 'rest'])[],
  rests: number,
  sum: number,
): void {
  if (sizes.length === 0) throw new InvalidArgumentError('split takes parts, such as { test: 0.1 }')
  if (rests > 1) throw new InvalidArgumentError("split: only one part can be the 'rest'")
  if (sum > 1 + TOLERANCE) {
    throw new InvalidArgumentError(`split: the parts add up to ${sum}, more than all there is`)
  }
  const trains = sizes.some(([name]) => name === 'train')
  if (trains && rests === 0 && sum < 1 - TOLERANCE) {
    throw new InvalidArgumentError(
      `split: the parts add up to ${sum}, and none takes the rest: leave out train, or make it 'rest'`,
    )
  }
}
