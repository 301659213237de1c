import { DataError, InvalidArgumentError } from '../errors/index.ts'
import { describe } from './batch.ts'
import { isTuple } from './tensor.ts'

/** How a member of a batch is padded: undefined takes sizes from the batch, and 0 or the empty text. */
export interface Padding {
  /** Sizes, null for the longest of the batch; or a tuple or record of such, as the elements are. */
  readonly shapes?: unknown
  /** A number, text or boolean; or a tuple or record of such. One alone is for all members. */
  readonly values?: unknown
  /** What is open in the sizes: each null, and the first size of members without sizes. Undefined is the longest. */
  readonly upTo?: number
}

/** Size of each dimension, null for the longest of the batch. */
export type Sizes = readonly (number | null)[]

/** Where in the element, for messages. */
export type Where = string

export const isScalar = (value: unknown): boolean =>
  value !== null && value !== undefined && typeof value !== 'object'

/** @throws InvalidArgumentError unless `shapes` is undefined or has one size for each dimension. */
export function sizesOf({ shapes, upTo }: Padding, rank: number, where: Where): Sizes {
  const open = upTo ?? null
  if (shapes === undefined || shapes === null) {
    return rank === 0 ? [] : [open, ...new Array<null>(rank - 1).fill(null)]
  }
  const sizes = isTuple(shapes) ? shapes : []
  if (!isTuple(shapes) || sizes.some((size) => size !== null && typeof size !== 'number')) {
    throw notOne('paddedShapes', shapes, where)
  }
  if (sizes.length === rank) return (sizes as Sizes).map((size) => size ?? open)
  throw new InvalidArgumentError(
    `paddedShapes${where} has ${sizes.length} sizes, but the elements have rank ${rank}`,
  )
}

export function notOne(what: string, structure: unknown, where: Where): InvalidArgumentError {
  return new InvalidArgumentError(
    `${what}${where} is ${describe(structure)}, but the elements are neither tuples nor records`,
  )
}

/** @throws InvalidArgumentError unless a padding value is of the kind that it stands beside. */
export function checkKind(beside: unknown, value: unknown, where: Where): void {
  if (beside === undefined || beside === null || typeof beside === typeof value) return
  throw new InvalidArgumentError(
    `paddingValues${where} is ${describe(value)}, but the elements hold ${describe(beside)}`,
  )
}

/** The final sizes. @throws DataError when an element is longer than one that is given. */
export function fitted(
  given: Sizes,
  shapes: readonly (readonly number[])[],
  where: Where,
): number[] {
  return given.map((size, d) => {
    let longest = size ?? 0
    shapes.forEach((shape, i) => {
      const own = shape[d] ?? 0
      if (own <= longest) return
      if (size === null) longest = own
      else throw tooLong(given, shape, i, where)
    })
    return longest
  })
}

function tooLong(given: Sizes, shape: readonly number[], i: number, where: Where): Error {
  return new DataError(
    `element ${i} of the batch${where && ` at ${where}`} has shape ${shape.join('x')}, larger than paddedShapes [${given
      .map(String)
      .join(', ')}]`,
  )
}
