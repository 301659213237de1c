import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { checkKey, checkWhole, type GroupKey } from './check.ts'
import { Groups } from './groups.ts'
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
  decides: () => true,
  traits: () => ({
    runs: 'keeps a window for each key',
    resume: 'reads again from the first element of the oldest window that is not full',
  }),
  open: ({ params }, context, from) => new Groups(groupingOf(params), context, from),
}

function groupingOf({ key, reduce, windowSize, wrap }: GroupByWindowParams) {
  const keyOf = key as (x: unknown) => unknown
  const call = reduce as (key: GroupKey, window: unknown) => unknown
  return {
    op: 'groupByWindow',
    key: (x: unknown) => checkKey('groupByWindow', keyOf(x)),
    size: (k: GroupKey) => sizeOf(windowSize, k),
    reduce: (k: GroupKey, items: readonly unknown[]) => call(k, wrap(items)),
  }
}

function sizeOf(size: number | UserFn, key: GroupKey): number {
  const value = typeof size === 'number' ? size : (size as (key: unknown) => unknown)(key)
  return checkWhole('groupByWindow', 'windowSize', value, 1)
}
