/** Arithmetic of the golden functions: on numbers, and element by element on vectors and tensors. */
import { Column, isNumericArray, isTuple, Tensor } from '../../src/tensor/index.ts'
import { tensorOf } from './values.ts'

/** A function met a value it has no meaning for: the peer, and TypeScript's checker, refuse the pipeline. */
export class Refused extends Error {}

export type Numeric = number | Tensor | Float64Array

/** @throws Refused unless `x` is one number. */
export function scalar(x: unknown): number {
  if (typeof x === 'number') return x
  throw new Refused(`one number is needed, not ${kindOf(x)}`)
}

/** @throws Refused unless `x` is one text. */
export function text(x: unknown): string {
  if (typeof x === 'string') return x
  throw new Refused(`one text is needed, not ${kindOf(x)}`)
}

/** A length that can be: tf.range and tf.fill refuse the others. */
export function length(x: unknown): number {
  const n = scalar(x)
  if (Number.isInteger(n) && n >= 0) return n
  throw new Refused(`a length is needed, not ${n}`)
}

export function kindOf(x: unknown): string {
  return typeof x === 'object' && x !== null ? `a ${x.constructor.name}` : `a ${typeof x}`
}

/** `%` of the golden language: floored, as in Python. */
export function floorMod(a: number, b: number): number {
  return ((a % b) + b) % b
}

/** Applies `f` to a number, or to each element of a vector or tensor. */
export function each(f: (n: number) => number, x: unknown): unknown {
  if (typeof x === 'number') return f(x)
  if (isNumericArray(x)) return Float64Array.from(x, f)
  if (x instanceof Tensor) return tensorOf(Float64Array.from(x.data, f), x.shape)
  throw new Refused(`numbers are needed, not ${kindOf(x)}`)
}

/** Applies `f` to a scalar that need not be a number, or to each of a column or vector. */
export function eachAny(f: (x: unknown) => unknown, x: unknown): unknown {
  if (x instanceof Tensor) return Column.copy(rowsOf(x).map((row) => eachAny(f, row)))
  if (isNumericArray(x) || x instanceof Column) {
    return Column.copy(Array.from<unknown, unknown>(x, (item) => eachAny(f, item)))
  }
  return f(x)
}

/** Applies `f` to two numbers, vectors or tensors, broadcasting as NumPy does. */
export function pairwise(f: (a: number, b: number) => number, a: unknown, b: unknown): unknown {
  if (typeof a === 'number') return each((y) => f(a, y), b)
  if (typeof b === 'number') return each((x) => f(x, b), a)
  const [sa, sb] = [shapeOf(a), shapeOf(b)]
  const rank = Math.max(sa.length, sb.length)
  const pad = (s: readonly number[]): number[] => [
    ...new Array<number>(rank - s.length).fill(1),
    ...s,
  ]
  const [pa, pb] = [pad(sa), pad(sb)]
  const shape = pa.map((n, k) => common(n, pb[k] ?? 1))
  const size = shape.reduce((x, y) => x * y, 1)
  const [da, db] = [dataOf(a), dataOf(b)]
  const out = Float64Array.from({ length: size }, (_, i) => {
    return f(da[offset(i, shape, pa)] ?? Number.NaN, db[offset(i, shape, pb)] ?? Number.NaN)
  })
  return tensorOf(out, shape)
}

function common(a: number, b: number): number {
  if (a === b || b === 1) return a
  if (a === 1) return b
  throw new Refused(`sizes ${a} and ${b} do not go together`)
}

/** Place of output element `i` in an operand whose sizes of 1 are stretched to `shape`. */
function offset(i: number, shape: readonly number[], operand: readonly number[]): number {
  let rest = i
  let at = 0
  let step = 1
  for (let k = shape.length - 1; k >= 0; k--) {
    const size = shape[k] ?? 1
    const own = operand[k] ?? 1
    if (own !== 1) at += (rest % size) * step
    rest = Math.floor(rest / size)
    step *= own
  }
  return at
}

export function shapeOf(x: unknown): readonly number[] {
  if (x instanceof Tensor) return x.shape
  if (isNumericArray(x)) return [x.length]
  if (typeof x === 'number') return []
  throw new Refused(`numbers are needed, not ${kindOf(x)}`)
}

function dataOf(x: unknown): ArrayLike<number> {
  return x instanceof Tensor ? x.data : (x as Float64Array)
}

/** Rows of a tensor: vectors or tensors. */
export function rowsOf(x: Tensor): unknown[] {
  const [count, ...rest] = x.shape
  const size = rest.reduce((a, b) => a * b, 1)
  return Array.from({ length: count }, (_, i) =>
    tensorOf(x.data.subarray(i * size, (i + 1) * size), rest),
  )
}

/** All scalars in a value, in order; tuples are taken as stacked. */
export function scalarsOf(x: unknown): unknown[] {
  if (x instanceof Tensor) return Array.from(x.data)
  if (isNumericArray(x)) return Array.from(x)
  if (x instanceof Column || isTuple(x)) return Array.from<unknown>(x).flatMap(scalarsOf)
  if (typeof x === 'object') throw new Refused(`${kindOf(x)} has no size`)
  return [x]
}

/** Part `i` of a tuple, vector, tensor or column. */
export function part(x: unknown, i: number): unknown {
  const parts = x instanceof Tensor ? rowsOf(x) : x
  const known = isTuple(parts) || isNumericArray(parts) || parts instanceof Column
  if (known && i < parts.length) return parts[i]
  throw new Refused(`${kindOf(x)} has no part ${i}`)
}
