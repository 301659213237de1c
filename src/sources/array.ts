import { sizeOf } from '../stream/size-of.ts'
import type { IndexedSource, SourceSpec } from '../stream/spec.ts'
import { batchLength, sliceAt } from '../tensor/index.ts'

export interface ArrayParams {
  readonly items: readonly unknown[]
}

export const arraySpec: SourceSpec<ArrayParams> = {
  op: 'array',
  kind: 'source',
  summary: 'The items of an array.',
  tfData: 'from_tensor_slices of one list; from_tensors for one item',
  structure: ({ items }) => ({ length: items.length }),
  cardinality: ({ items }) => items.length,
  bytes: ({ items }) => (items.length === 0 ? undefined : sizeOf(items[0])),
  indexed: ({ items }): IndexedSource => ({
    length: items.length,
    emit: (bind, i) => `${bind(items)}[${i}]`,
    at: (i) => items[i],
  }),
}

export interface SlicesParams {
  /** Columns of equal length: typed arrays, tensors, `Column`s, in tuples and records. */
  readonly columns: unknown
}

export const slicesSpec: SourceSpec<SlicesParams> = {
  op: 'slices',
  kind: 'source',
  summary: 'The rows of columns: typed arrays, tensors and columns, in tuples and records.',
  tfData: 'from_tensor_slices',
  structure: ({ columns }) => ({ length: batchLength(columns) }),
  cardinality: ({ columns }) => batchLength(columns),
  bytes: ({ columns }) => (batchLength(columns) === 0 ? undefined : sizeOf(sliceAt(columns, 0))),
  indexed: ({ columns }): IndexedSource => ({
    length: batchLength(columns),
    emit: (bind, i) => `${bind(sliceAt)}(${bind(columns)}, ${i})`,
    at: (i) => sliceAt(columns, i),
  }),
}
