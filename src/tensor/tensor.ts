/**
 * The values batches are made of. A number is a scalar, a typed array a vector, a `Tensor` anything of rank
 * two and more, a `Column` a vector of what is not a number. Plain arrays are tuples and plain objects are
 * records, as tuples and dicts are in tf.data.
 */

/** Typed arrays that hold plain numbers. */
export type NumericArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray

/** Sizes of two and more dimensions, outermost first. */
export type Shape = readonly [number, number, ...number[]]

/** Numbers in two or more dimensions, row-major in one typed array. */
export class Tensor<A extends NumericArray = NumericArray, S extends Shape = Shape> {
  readonly data: A
  readonly shape: S

  constructor(data: A, shape: S) {
    this.data = data
    this.shape = shape
  }
}

/** A batch of strings, booleans or objects: an ordinary array that is not mistaken for a tuple. */
export class Column<T> extends Array<T> {
  /** Copies `items`, whatever their number (`new Array(3)` would be three holes). */
  static copy<T>(items: readonly T[]): Column<T> {
    const column = new Column<T>()
    for (const item of items) column.push(item)
    return column
  }

  // map, filter and slice of a column are ordinary arrays.
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }
}

/** True for typed arrays of plain numbers (not DataView, not BigInt64Array). */
export function isNumericArray(value: unknown): value is NumericArray {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  )
}

/** True for `{}`-like objects: records, not class instances. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** True for plain arrays, which stand for tuples; false for `Column`. */
export function isTuple(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && !(value instanceof Column)
}

/** True for tensors, of whatever numbers and shape. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor
}
