import { InvalidArgumentError } from '../errors/index.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'
import { checkWhole } from './check.ts'
import { Groups, type Key } from './groups.ts'
import type { Wrap } from './window.ts'

export interface GroupByWindowParams {
  readonly key: UserFn
  /** Of key and window, a dataset or an array. */
  readonly reduce: UserFn
  /** Elements of a full window, or a function of the key. */
  readonly windowSize: number | UserFn
  readonly wrap: Wrap
}

export const groupByWindowSpec: JunctionSpec<GroupByWindowParams> = {
  op: 'groupByWindow',
  kind: 'junction',
  summary:
    'Collects elements of a key and makes a dataset of each so many; what is left at the end comes by key, ascending.',
  tfData: 'group_by_window; keys may be text',
  structure: ({ windowSize }) => ({
    windowSize: typeof windowSize === 'number' ? windowSize : null,
  }),
  cardinality: unknownCardinality,
  traits: () => ({
    runs: 'keeps a window for each key',
    resume: 'reads again from the first element of the oldest window that is not full',
  }),
  open: ({ params }, context, from) => new Groups(groupingOf(params), context, from),
}

function groupingOf({ key, reduce, windowSize, wrap }: GroupByWindowParams) {
  const call = reduce as (key: Key, window: unknown) => unknown
  return {
    op: 'groupByWindow',
    key: (x: unknown) => keyOf(key, x),
    size: (k: Key) => sizeOf(windowSize, k),
    reduce: (k: Key, items: readonly unknown[]) => call(k, wrap(items)),
  }
}

function keyOf(fn: UserFn, x: unknown): Key {
  const key = (fn as (x: unknown) => unknown)(x)
  switch (typeof key) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return key
    default:
      throw new InvalidArgumentError(
        `the key of groupByWindow must be text, a number or a boolean, not ${describe(key)}`,
      )
  }
}

function sizeOf(size: number | UserFn, key: Key): number {
  const value = typeof size === 'number' ? size : (size as (key: unknown) => unknown)(key)
  return checkWhole('groupByWindow', 'windowSize', value, 1)
}
