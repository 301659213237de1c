import { checkFunction, checkWhole, type GroupKey } from '../operators/check.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import type { Local } from '../stream/local.ts'
import type { Leaf } from '../tensor/index.ts'
import type { Origin } from '../stream/origin.ts'
import { byMember } from '../tensor/members.ts'
import type { Dataset } from './dataset.ts'

/** The plan's nodes of operators with datasets inside, their arguments checked. */

/** What a function of `flatMap` or `interleave` makes of an element. */
export type Several<U> = readonly U[] | Dataset<U>

/** Options of `interleave`. */
export interface InterleaveOptions {
  /** Inputs that take turns. Default 4. */
  readonly cycleLength?: number
  /** Neighbouring elements taken of one input in its turn. Default 1. */
  readonly blockLength?: number
  /** Inputs that are read at the same time. Default 1; `cycleLength` where `deterministic` is false. */
  readonly parallelism?: number
  /**
   * False takes whatever is ready first: quicker where inputs differ in speed, and in another order each time. A
   * resume still yields exactly the rest. Default true: the order does not depend on `parallelism`.
   */
  readonly deterministic?: boolean
}

/** Options of `window`. */
export interface WindowOptions {
  /** Elements from one window's start to the next one's. Default: the size. */
  readonly shift?: number
  /** Elements from one element of a window to the next. Default 1. */
  readonly stride?: number
  /** Leaves out windows at the end that are not full. Default false. */
  readonly dropRemainder?: boolean
}

/** A window of elements: a dataset; of tuples and records a tuple or record of datasets, as in tf.data. */
export type Windowed<T> = [T] extends [Leaf]
  ? Dataset<T>
  : [T] extends [object]
    ? { readonly [K in keyof T]: Windowed<T[K]> }
    : Dataset<T>

/** Options of `groupByWindow`. */
export interface GroupByWindowOptions<T, K extends GroupKey, U> {
  /** The key of an element. */
  readonly key: (x: T) => K
  /** Makes a dataset or array of a full window; its elements come out one window after the other. */
  readonly reduce: (key: K, window: Dataset<T>) => Several<U>
  /** Elements of a full window: a number, or a function of the key. */
  readonly windowSize: number | ((key: K) => number)
}

/** Makes the dataset of items in memory. */
export type FromItems = (items: readonly unknown[]) => Dataset<unknown>

export function flatMapNode<T, U>(
  input: PlanNode,
  fn: (x: T, local: Local) => Several<U>,
  at: At,
  origin?: (x: T, items: readonly U[]) => Origin,
): PlanNode {
  checkFunction('flatMap', fn)
  return makeNode('flatMap', origin === undefined ? { fn } : { fn, origin }, [input], at)
}

export function interleaveNode<T, U>(
  input: PlanNode,
  fn: (x: T, local: Local) => Several<U>,
  options: InterleaveOptions,
  at: At,
): PlanNode {
  const { cycleLength = 4, blockLength = 1, deterministic = true } = options
  const { parallelism = deterministic ? 1 : cycleLength } = options
  checkFunction('interleave', fn)
  for (const [name, value] of Object.entries({ cycleLength, blockLength, parallelism })) {
    checkWhole('interleave', name, value, 1)
  }
  const params = { fn, cycleLength, blockLength, parallelism, deterministic }
  return makeNode('interleave', params, [input], at)
}

export function windowNode(
  input: PlanNode,
  size: number,
  { shift = size, stride = 1, dropRemainder = false }: WindowOptions,
  from: FromItems,
  at: At,
): PlanNode {
  for (const [name, value] of Object.entries({ size, shift, stride })) {
    checkWhole('window', name, value, 1)
  }
  const params = { size, shift, stride, dropRemainder, wrap: wrapper(from) }
  return makeNode('window', params, [input], at)
}

export function groupByWindowNode<T, K extends GroupKey, U>(
  input: PlanNode,
  { key, reduce, windowSize }: GroupByWindowOptions<T, K, U>,
  from: FromItems,
  at: At,
): PlanNode {
  checkFunction('groupByWindow', key)
  checkFunction('groupByWindow', reduce)
  if (typeof windowSize !== 'function') checkWhole('groupByWindow', 'windowSize', windowSize, 1)
  return makeNode('groupByWindow', { key, reduce, windowSize, wrap: from }, [input], at)
}

/** Datasets in the structure of the items. */
function wrapper(from: FromItems): (items: readonly unknown[]) => unknown {
  const wrap = (items: readonly unknown[]): unknown => byMember(items, wrap) ?? from(items)
  return wrap
}
