import { DataError } from '../errors/index.ts'
import { allocate, mixed } from './batch.ts'
import { byMember } from './members.ts'
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

/** Rows `from` up to and without `to` of a batch, to any depth. Numbers are a view into the batch, no copy. */
export function sliceRows(batch: unknown, from: number, to: number): unknown {
  if (isNumericArray(batch)) return batch.subarray(from, to)
  if (isTensor(batch)) {
    const [, ...inner] = batch.shape
    const each = sizeOf(inner)
    return new Tensor(batch.data.subarray(from * each, to * each), withRows(to - from, inner))
  }
  if (batch instanceof Column) return Column.copy(batch.slice(from, to))
  if (isTuple(batch)) return batch.map((member) => sliceRows(member, from, to))
  if (!isRecord(batch)) return batch
  const members = Object.entries(batch).map(([name, member]) => [name, sliceRows(member, from, to)])
  return Object.fromEntries(members)
}

/**
 * One batch of the rows of several.
 *
 * @throws DataError when they differ in kind, fields, numbers or the shape of a row.
 */
export function joinRows(batches: readonly unknown[]): unknown {
  const [first] = batches
  if (batches.length === 1) return first
  const members = byMember(batches, joinRows)
  if (members !== undefined) return members
  if (isNumericArray(first)) return joinNumbers(batches.map((x, i) => likeNumbers(x, first, i)))
  if (isTensor(first)) return joinTensors(batches, first)
  return Column.copy(
    batches.flatMap((x, i): unknown[] => {
      if (x instanceof Column) return x
      throw mixed('a Column', x, i)
    }),
  )
}

function joinTensors(batches: readonly unknown[], first: Tensor): Tensor {
  const [, ...inner] = first.shape
  let rows = 0
  const parts = batches.map((x, i) => {
    if (!isTensor(x)) throw mixed('a Tensor', x, i)
    const [count, ...own] = x.shape
    if (own.join() !== inner.join()) {
      throw new DataError(
        `batches to join must have rows of one shape: those of batch 0 have ${inner.join('x')}, those of batch ${i} have ${own.join('x')}`,
      )
    }
    rows += count
    return likeNumbers(x.data, first.data, i)
  })
  return new Tensor(joinNumbers(parts), withRows(rows, inner))
}

/** @throws DataError unless `x` holds numbers of the same kind; others might not fit in. */
function likeNumbers(x: unknown, first: NumericArray, i: number): NumericArray {
  if (!isNumericArray(x)) throw mixed('a typed array', x, i)
  if (x.constructor === first.constructor) return x
  if (x instanceof Uint8Array && first instanceof Uint8Array) return x
  throw mixed(`a ${first.constructor.name}`, x, i)
}

function joinNumbers(parts: readonly NumericArray[]): NumericArray {
  const [first = new Float64Array(0)] = parts
  const out = allocate(
    first,
    parts.reduce((n, part) => n + part.length, 0),
  )
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

// The shape of a tensor less its first dimension has one at least.
const withRows = (rows: number, [a = 1, ...more]: readonly number[]): Shape => [rows, a, ...more]
