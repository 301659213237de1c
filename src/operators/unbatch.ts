import { batchLength, sliceAt } from '../tensor/index.ts'
import { type ExpandSpec, unknownCardinality } from '../stream/spec.ts'

export const unbatchSpec: ExpandSpec<object> = {
  op: 'unbatch',
  kind: 'row',
  rows: 'expand',
  summary: 'Splits batches into their elements again.',
  tfData: 'unbatch',
  structure: () => ({}),
  cardinality: unknownCardinality,
  items: () => (batch) => Array.from({ length: batchLength(batch) }, (_, i) => sliceAt(batch, i)),
}
