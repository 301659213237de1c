import { collate } from '../tensor/index.ts'
import type { GatherSpec } from '../stream/spec.ts'

export interface BatchParams {
  readonly size: number
  readonly dropRemainder: boolean
}

export const batchSpec: GatherSpec<BatchParams> = {
  op: 'batch',
  kind: 'row',
  rows: 'gather',
  summary: 'Stacks so many neighbouring elements into one, member by member.',
  tfData: 'batch; plain numbers become doubles',
  structure: ({ size, dropRemainder }) => ({ size, dropRemainder }),
  cardinality: ({ size, dropRemainder }, [n]) =>
    n === undefined ? undefined : dropRemainder ? Math.floor(n / size) : Math.ceil(n / size),
  bytes: ({ size }, [each]) => (each === undefined ? undefined : size * each),
  // The last one may be smaller.
  batchSize: ({ size, dropRemainder }) => (dropRemainder ? size : undefined),
  size: ({ size }) => size,
  make: () => collate,
  columns: true,
  copies: true,
  keepsRest: ({ dropRemainder }) => !dropRemainder,
}
