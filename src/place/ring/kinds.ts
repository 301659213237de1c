/** What kinds of values a slot holds, and which values are of which kind. */
import { types } from 'node:util'
import { Column, isRecord, Tensor } from '../../tensor/tensor.ts'

/** How a column of values is written. */
export const kinds = {
  ints: 0,
  floats: 1,
  text: 2,
  constants: 3,
  bigints: 4,
  dates: 5,
  bytes: 6,
  tensors: 7,
  records: 8,
  tuples: 9,
  lists: 10,
  columns: 11,
  /** Several columns, and of which each value is. */
  mixed: 12,
  /** Values that travel outside the slot, by structured clone. */
  clones: 13,
} as const

export type Kind = (typeof kinds)[keyof typeof kinds]

/** Values deeper than this go by structured clone, and with them what is a circle. */
export const MAX_DEPTH = 8

/** The kind of one value; `floats` for every number, `lists` for every array. */
export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'number':
      return kinds.floats
    case 'string':
      return kinds.text
    case 'boolean':
    case 'undefined':
      return kinds.constants
    case 'bigint':
      return kinds.bigints
    case 'object':
      return value === null ? kinds.constants : kindOfObject(value)
    default:
      return kinds.clones
  }
}

function kindOfObject(value: object): Kind {
  if (Array.isArray(value)) return kindOfArray(value)
  if (isRecord(value)) return kinds.records
  if (ArrayBuffer.isView(value)) return isPlain(value.buffer) ? kinds.bytes : kinds.clones
  if (value instanceof Tensor) {
    const { data } = value as Tensor
    return isPlain(data.buffer) ? kinds.tensors : kinds.clones
  }
  if (types.isDate(value)) return kinds.dates
  if (types.isArrayBuffer(value)) return isPlain(value) ? kinds.bytes : kinds.clones
  return kinds.clones
}

function kindOfArray(array: readonly unknown[]): Kind {
  for (let i = 0; i < array.length; i++) {
    if (array[i] === undefined && !(i in array)) return kinds.clones // a hole stays a hole
  }
  return array instanceof Column ? kinds.columns : kinds.lists
}

/** False for memory that is shared, that may grow, or that was given away: cloning knows what becomes of it. */
function isPlain(buffer: ArrayBufferLike): boolean {
  if (!types.isArrayBuffer(buffer)) return false
  if ('resizable' in buffer && buffer.resizable === true) return false
  return buffer.byteLength > 0 || !isDetached(buffer)
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    return new Uint8Array(buffer).length > 0
  } catch {
    return true // a TypeError is the answer
  }
}

/** What a byte of a column of constants stands for. */
export const constants: readonly unknown[] = [undefined, null, false, true]

/** Kinds of typed arrays by the number that stands for them in a slot. */
export const byteKinds = [
  'Uint8Array',
  'Uint8ClampedArray',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Buffer',
  'ArrayBuffer',
] as const

export type ByteKind = (typeof byteKinds)[number]

const numbers = new Map<string, number>(byteKinds.map((name, k) => [name, k]))

const bufferKind = byteKinds.indexOf('Buffer')

/** The number of a typed array's kind; -1 for one that is unknown here, such as Float16Array. */
export function byteKindOf(value: ArrayBufferView | ArrayBuffer): number {
  if (Buffer.isBuffer(value)) return bufferKind
  const { [Symbol.toStringTag]: name } = value as { readonly [Symbol.toStringTag]: string }
  return numbers.get(name) ?? -1
}
