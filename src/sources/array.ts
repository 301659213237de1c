import { keyOfText } from '../stream/random.ts'
import { sizeOf } from '../stream/size-of.ts'
import type { IndexedSource, SourceSpec } from '../stream/spec.ts'
import { batchLength, isNumericArray, sliceAt, Tensor } from '../tensor/index.ts'

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
  identity: ({ items }) => identityOf(items),
  bytes: ({ items }) => (items.length === 0 ? undefined : sizeOf(items[0])),
  batchSize: ({ items }) => (items.length === 1 ? rowsOf(items[0]) : undefined),
  indexed: ({ items }): IndexedSource => ({
    length: items.length,
    emit: (bind, i) => `${bind(items)}[${i}]`,
    at: (i) => items[i],
  }),
}

/** Rows of what is a batch without a doubt; tuples and records may be. */
function rowsOf(x: unknown): number | undefined {
  return isNumericArray(x) || x instanceof Tensor ? batchLength(x) : undefined
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
  identity: ({ columns }) => identityOf(columns),
  bytes: ({ columns }) => (batchLength(columns) === 0 ? undefined : sizeOf(sliceAt(columns, 0))),
  batchSize: ({ columns }) =>
    columns instanceof Tensor && batchLength(columns) > 0 ? rowsOf(sliceAt(columns, 0)) : undefined,
  indexed: ({ columns }): IndexedSource => ({
    length: batchLength(columns),
    emit: (bind, i) => `${bind(sliceAt)}(${bind(columns)}, ${i})`,
    at: (i) => sliceAt(columns, i),
  }),
}

/** A hash of the content; null of what has no JSON: then only the length tells. */
function identityOf(content: unknown): number | null {
  try {
    return keyOfText(JSON.stringify(content, typedArrays))
  } catch {
    return null
  }
}

/** `JSON.stringify` makes objects of typed arrays, which takes long. */
function typedArrays(_: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? Array.from(value as unknown as Iterable<unknown>)
    : value
}
