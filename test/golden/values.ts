/**
 * Values of the golden language, between its JSON and the library: an array there is a typed array, a
 * `Tensor` or a `Column` here, `{"$tuple"}` is a plain array.
 */
import {
  Column,
  isNumericArray,
  isRecord,
  isTuple,
  type NumericArray,
  type Shape,
  Tensor,
} from '../../src/tensor/index.ts'

/** JSON to a value of the library. */
export function decode(json: unknown): unknown {
  if (Array.isArray(json)) return decodeArray(json)
  if (!isRecord(json)) return json
  const { $tuple, $dataset, $ragged, $f, $i64, $b64 } = json
  if (Array.isArray($tuple)) return $tuple.map(decode)
  if (Array.isArray($dataset)) return Column.copy($dataset.map(decode))
  if (Array.isArray($ragged)) return Column.copy($ragged.map(decode))
  if ($f !== undefined) return Number($f)
  if (typeof $i64 === 'string') return BigInt($i64)
  if (typeof $b64 === 'string') return new Uint8Array(Buffer.from($b64, 'base64'))
  return Object.fromEntries(Object.entries(json).map(([key, member]) => [key, decode(member)]))
}

/** Numbers of a regular shape become a typed array or a tensor, all else a column. */
function decodeArray(json: readonly unknown[]): unknown {
  const shape = shapeOf(json)
  const flat: unknown[] = json
    .flat(Number.POSITIVE_INFINITY)
    .map((x) => (isFloat(x) ? decode(x) : x))
  if (shape !== undefined && flat.every((x) => typeof x === 'number')) {
    return tensorOf(Float64Array.from(flat), shape)
  }
  return Column.copy(json.map(decode))
}

const isFloat = (x: unknown): boolean => isRecord(x) && '$f' in x

/** Sizes of nested arrays, outermost first; undefined when they are ragged. */
function shapeOf(json: unknown): readonly number[] | undefined {
  if (!Array.isArray(json)) return []
  const inner = json.map(shapeOf)
  const first = inner[0] ?? []
  if (inner.some((shape) => shape === undefined || shape.join() !== first.join())) return undefined
  return [json.length, ...first]
}

/** Numbers as they are held at a shape: a typed array in one dimension, a tensor in more. */
export function tensorOf(data: NumericArray, shape: readonly number[]): NumericArray | Tensor {
  const [a, b, ...more] = shape
  return a === undefined || b === undefined ? data : new Tensor(data, [a, b, ...more])
}

/** A value of the library to JSON, tuples and arrays apart. */
export function encode(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $f: String(value) }
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : { $i64: String(value) }
  }
  if (isNumericArray(value)) return Array.from(value, encode)
  if (value instanceof BigInt64Array) return Array.from(value, encode)
  if (value instanceof Tensor) return nest(value.data, value.shape)
  if (value instanceof Column) return Array.from(value, encode)
  if (isTuple(value)) return { $tuple: value.map(encode) }
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, encode(member)]))
  }
  if (typeof value === 'object' && value !== null) return `a ${value.constructor.name}`
  return value ?? null
}

function nest(data: NumericArray, shape: Shape | readonly number[]): unknown {
  const [length = 0, ...rest] = shape
  if (rest.length === 0) return Array.from(data, encode)
  const size = rest.reduce((a, b) => a * b, 1)
  return Array.from({ length }, (_, i) => nest(data.subarray(i * size, (i + 1) * size), rest))
}

const relative = 1e-6

/** Whether `got`, encoded, is what a case expects. Records may have their fields in any order. */
export function agrees(expected: unknown, got: unknown): boolean {
  if (typeof expected === 'number') return typeof got === 'number' && near(expected, got)
  if (Array.isArray(expected)) return sameItems(expected, got)
  if (!isRecord(expected)) return expected === got
  const { $ragged, $dataset, $i64, $b64, $tuple } = expected
  if ($ragged !== undefined) return agrees($ragged, got)
  if ($dataset !== undefined) return agrees($dataset, got)
  if ($b64 !== undefined && Array.isArray(got)) {
    return $b64 === Buffer.from(got as number[]).toString('base64')
  }
  if ($i64 !== undefined && typeof got === 'number') return Number($i64) === got
  if (!isRecord(got)) return false
  if ($tuple !== undefined) return Array.isArray(got['$tuple']) && agrees($tuple, got['$tuple'])
  const keys = Object.keys(expected)
  return (
    keys.length === Object.keys(got).length &&
    keys.every((key) => key in got && agrees(expected[key], got[key]))
  )
}

function sameItems(expected: readonly unknown[], got: unknown): boolean {
  return (
    Array.isArray(got) &&
    got.length === expected.length &&
    expected.every((item, i) => agrees(item, got[i]))
  )
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b))
}
