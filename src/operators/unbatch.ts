import { batchLength, sliceAt } from '../tensor/index.ts'
import { type ExpandSpec, unknownCardinality } from '../stream/spec.ts'

export const unbatchSpec: ExpandSpec<object> = {
  op: 'unbatch',
  kind: 'row',
  rows: 'expand',
  summary: 'Splits batches into their elements again.',
  tfData: 'unbatch',
  structure: () => ({}),
  cardinality: (params, inputs, batchSize) => {
    const [batches] = inputs
    const size = batchSize()
    if (batches === undefined || size === undefined) return unknownCardinality(params, inputs)
    return batches * size
  },
  items: () => (batch) => Array.from({ length: batchLength(batch) }, (_, i) => sliceAt(batch, i)),
}
