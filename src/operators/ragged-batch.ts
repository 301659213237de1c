import type { GatherSpec } from '../stream/spec.ts'
import { collateRagged } from '../tensor/index.ts'
import { type BatchParams, batchSpec } from './batch.ts'

export const raggedBatchSpec: GatherSpec<BatchParams> = {
  op: 'raggedBatch',
  kind: 'row',
  rows: 'gather',
  summary:
    'Puts so many neighbouring elements together whose sizes differ: vectors become a column of rows.',
  tfData: 'ragged_batch; a column of rows, whatever their sizes, is its RaggedTensor',
  structure: batchSpec.structure,
  cardinality: batchSpec.cardinality,
  size: batchSpec.size,
  make: () => collateRagged,
  columns: true,
  keepsRest: batchSpec.keepsRest,
}
