import { DataError, InvalidArgumentError } from '../errors/index.ts'
import { allocate, mixed } from './batch.ts'
import {
  checkKind,
  fitted,
  isScalar,
  notOne,
  type Padding,
  sizesOf,
  type Where,
} from './padding.ts'
import { isNumericArray, type NumericArray, Tensor } from './tensor.ts'

/** Typed arrays and tensors. */
export function padNumbers(items: readonly unknown[], padding: Padding, where: Where): Tensor {
  const first = items[0] as NumericArray | Tensor
  const rank = shapeOf(first).length
  const given = sizesOf(padding, rank, where)
  const own = items.map((x, i) => {
    if (!isNumericArray(x) && !(x instanceof Tensor)) {
      throw mixed(rank === 1 ? 'a typed array' : 'a Tensor', x, i)
    }
    const shape = shapeOf(x as NumericArray | Tensor)
    if (shape.length === rank) return shape
    throw new DataError(
      `elements of a batch must be of one rank: element 0 has rank ${rank}, element ${i} has rank ${shape.length}`,
    )
  })
  const sizes = fitted(given, own, where)
  const each = sizes.reduce((a, b) => a * b, 1)
  const data = allocate(dataOf(first), items.length * each)
  const value = numberFor(data, padding.values, where)
  if (value !== 0) data.fill(value)
  items.forEach((x, i) => {
    const source = dataOf(x as NumericArray | Tensor)
    place({ source, shape: own[i] ?? [], data, sizes }, 0, 0, i * each)
  })
  return new Tensor(data, [items.length, sizes[0] ?? 0, ...sizes.slice(1)])
}

const shapeOf = (x: NumericArray | Tensor): readonly number[] =>
  x instanceof Tensor ? x.shape : [x.length]

const dataOf = (x: NumericArray | Tensor): NumericArray => (x instanceof Tensor ? x.data : x)

/** @throws InvalidArgumentError when the value is none that such an array can hold. */
function numberFor(data: NumericArray, value: unknown, where: Where): number {
  if (value === undefined || value === null) return 0
  if (typeof value !== 'number') {
    if (isScalar(value)) checkKind(0, value, where)
    throw notOne('paddingValues', value, where)
  }
  if (data instanceof Float64Array || data instanceof Float32Array) return value
  const probe = allocate(data, 1).fill(value)
  if (probe[0] === value) return value
  throw new InvalidArgumentError(
    `paddingValues${where} is ${value}, which a ${data.constructor.name} cannot hold`,
  )
}

interface Copy {
  readonly source: NumericArray
  readonly shape: readonly number[]
  readonly data: NumericArray
  readonly sizes: readonly number[]
}

/** Copies dimension `d` and those within it; in one go where only the outermost is filled up. */
function place(copy: Copy, d: number, from: number, to: number): void {
  const { source, shape, data, sizes } = copy
  const inner = shape.slice(d + 1)
  const own = inner.reduce((a, b) => a * b, 1)
  const length = shape[d] ?? 0
  if (inner.every((size, k) => size === sizes[d + 1 + k])) {
    data.set(source.subarray(from, from + length * own), to)
    return
  }
  const padded = sizes.slice(d + 1).reduce((a, b) => a * b, 1)
  for (let k = 0; k < length; k++) place(copy, d + 1, from + k * own, to + k * padded)
}
