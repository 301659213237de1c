import { InvalidArgumentError } from '../errors/index.ts'
import { describe } from '../tensor/index.ts'
import { type ExpandSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'

export interface FlatMapParams {
  readonly fn: UserFn
}

export const flatMapSpec: ExpandSpec<FlatMapParams> = {
  op: 'flatMap',
  kind: 'row',
  rows: 'expand',
  summary: 'Makes several elements, or none, of each: those of the array a function returns.',
  tfData: 'flat_map, with arrays instead of datasets',
  structure: () => ({}),
  cardinality: unknownCardinality,
  fn: ({ fn }) => ({ fn, arity: 1 }),
  items: () => (x, call) => {
    const items = call(x)
    if (Array.isArray(items)) return items as readonly unknown[]
    throw new InvalidArgumentError(
      `the function of flatMap must return an array, not ${describe(items)}`,
    )
  },
}
