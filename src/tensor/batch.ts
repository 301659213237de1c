import { inspect } from 'node:util'
import { DataError, InvalidArgumentError } from '../errors/index.ts'
import {
  Column,
  isNumericArray,
  isRecord,
  isTensor,
  isTuple,
  type NumericArray,
  type Shape,
  Tensor,
} from './tensor.ts'

/**
 * Makes one batch of several elements of the same structure.
 *
 * @throws DataError when the elements differ in kind, fields, length or shape.
 */
export function collate(items: readonly unknown[]): unknown {
  const first = items[0]
  if (typeof first === 'number') return collateNumbers(items)
  if (isNumericArray(first)) return stackVectors(items, first)
  if (isTensor(first)) return stackTensors(items, first)
  if (isTuple(first)) return collateTuples(items, first.length)
  if (isRecord(first)) return collateRecords(items, first)
  if (first instanceof Column) return collateColumns(items, first.length)
  return Column.copy(items)
}

function collateNumbers(items: readonly unknown[]): Float64Array {
  const out = new Float64Array(items.length)
  for (let i = 0; i < items.length; i++) {
    const x = items[i]
    if (typeof x !== 'number') throw mixed('a number', x, i)
    out[i] = x
  }
  return out
}

function stackVectors(items: readonly unknown[], first: NumericArray): Tensor {
  const data = allocate(first, items.length * first.length)
  items.forEach((x, i) => {
    if (!isNumericArray(x)) throw mixed('a typed array', x, i)
    if (x.length !== first.length) throw unequal(`length ${first.length}`, `length ${x.length}`, i)
    data.set(x, i * first.length)
  })
  return new Tensor(data, [items.length, first.length])
}

function stackTensors(items: readonly unknown[], first: Tensor): Tensor {
  const data = allocate(first.data, items.length * first.data.length)
  items.forEach((x, i) => {
    if (!isTensor(x)) throw mixed('a Tensor', x, i)
    if (!sameShape(x.shape, first.shape))
      throw unequal(shapeText(first.shape), shapeText(x.shape), i)
    data.set(x.data, i * first.data.length)
  })
  return new Tensor(data, [items.length, ...first.shape])
}

function collateTuples(items: readonly unknown[], length: number): unknown[] {
  const tuples = items.map((x, i) => checkTuple(x, length, i))
  return Array.from({ length }, (_, k) => collate(tuples.map((t) => t[k])))
}

/** @throws DataError unless element `i` is a tuple of `length` members. */
export function checkTuple(x: unknown, length: number, i: number): readonly unknown[] {
  if (!isTuple(x)) throw mixed('a tuple', x, i)
  if (x.length === length) return x
  throw unequal(`a tuple of ${length}`, `a tuple of ${x.length}`, i, TUPLE_HINT)
}

const TUPLE_HINT =
  '. A plain array is a tuple: make vectors of numbers typed arrays, or wrap lists that differ in length as { list }'

function collateRecords(items: readonly unknown[], first: Record<string, unknown>): unknown {
  const keys = Object.keys(first)
  const records = items as readonly Record<string, unknown>[]
  for (let i = 0; i < records.length; i++) checkFields(records[i], first, keys, i)
  const batch: Record<string, unknown> = {}
  for (const key of keys) batch[key] = collateField(records, key)
  return batch
}

/** @throws DataError unless element `i` is a record with the fields `keys` of `first`. */
// Without arrays or closures for each record: batches of small records are a hot path (npm run bench -- overhead).
export function checkFields(
  x: unknown,
  first: Record<string, unknown>,
  keys: readonly string[],
  i: number,
): void {
  if (!isRecord(x)) throw mixed('a record', x, i)
  let count = 0
  for (const key in x) {
    if (!(key in first)) count = keys.length
    count++
  }
  if (count === keys.length) return
  throw unequal(`fields ${keys.join(', ')}`, `fields ${Object.keys(x).join(', ')}`, i)
}

function collateField(records: readonly Record<string, unknown>[], key: string): unknown {
  if (typeof records[0]?.[key] !== 'number') return collate(records.map((record) => record[key]))
  const out = new Float64Array(records.length)
  for (let i = 0; i < records.length; i++) {
    const x = records[i]?.[key]
    if (typeof x !== 'number') throw mixed('a number', x, i)
    out[i] = x
  }
  return out
}

function collateColumns(items: readonly unknown[], length: number): Column<unknown> {
  items.forEach((x, i) => {
    if (!(x instanceof Column)) throw mixed('a Column', x, i)
    if (x.length !== length && !holdsRows(x) && !holdsRows(items[0])) {
      throw unequal(`length ${length}`, `length ${x.length}`, i)
    }
  })
  return Column.copy(items)
}

/** True for columns of rows, as ragged batches are: so many of them are as regular as one. */
function holdsRows(column: unknown): boolean {
  const row: unknown = column instanceof Column ? column[0] : undefined
  return isNumericArray(row) || isTensor(row) || row instanceof Column
}

/** Number of elements in a batch. @throws InvalidArgumentError when `batch` is not one. */
export function batchLength(batch: unknown): number {
  if (isTensor(batch)) return batch.shape[0]
  if (isNumericArray(batch) || batch instanceof Column) return batch.length
  const members = isTuple(batch) ? batch : isRecord(batch) ? Object.values(batch) : undefined
  if (members === undefined || members.length === 0) {
    throw new InvalidArgumentError(`cannot unbatch ${describe(batch)}: it has no rows`)
  }
  const lengths = members.map(batchLength)
  if (lengths.some((n) => n !== lengths[0])) {
    throw new DataError(`cannot unbatch members of unequal length: ${lengths.join(', ')}`)
  }
  return lengths[0] ?? 0
}

/** Element `i` of a batch. Vectors and tensors are views into the batch, not copies. */
export function sliceAt(batch: unknown, i: number): unknown {
  if (isTensor(batch)) return tensorRow(batch, i)
  if (isNumericArray(batch) || batch instanceof Column) return batch[i]
  if (isTuple(batch)) return batch.map((member) => sliceAt(member, i))
  if (isRecord(batch)) {
    return Object.fromEntries(Object.entries(batch).map(([k, member]) => [k, sliceAt(member, i)]))
  }
  throw new InvalidArgumentError(`cannot unbatch ${describe(batch)}: it has no rows`)
}

function tensorRow(tensor: Tensor, i: number): unknown {
  const [, ...rest] = tensor.shape
  const size = rest.reduce((a, b) => a * b, 1)
  const row = tensor.data.subarray(i * size, (i + 1) * size)
  const [a, b, ...more] = rest
  return a === undefined || b === undefined ? row : new Tensor(row, [a, b, ...more])
}

export function allocate(like: NumericArray, length: number): NumericArray {
  if (like instanceof Uint8Array) return new Uint8Array(length) // also for Buffer, whose pool must not be shared
  const make = like.constructor as new (n: number) => NumericArray
  return new make(length)
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

const shapeText = (shape: Shape): string => `shape ${shape.join('x')}`

export function mixed(expected: string, got: unknown, i: number): DataError {
  return new DataError(
    `elements of a batch must be of one kind: element 0 is ${expected}, element ${i} is ${describe(got)}`,
  )
}

export function unequal(a: string, b: string, i: number, hint = ''): DataError {
  return new DataError(
    `elements of a batch must have one shape: element 0 has ${a}, element ${i} has ${b}${hint}`,
  )
}

/** A short description of a value for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') {
    return Array.isArray(value)
      ? `an array of ${value.length}`
      : withArticle(value.constructor?.name ?? 'record')
  }
  const text = typeof value === 'string' ? value : inspect(value)
  return `the ${typeof value} ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`
}

function withArticle(name: string): string {
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`
}
