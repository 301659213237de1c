import { InvalidArgumentError } from '../errors/index.ts'
import { describe } from '../tensor/index.ts'

/** @throws InvalidArgumentError unless `value` is a whole number of at least `min`. */
export function checkWhole(op: string, name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
  const range = min === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${min}`
  throw new InvalidArgumentError(
    `${op}: ${name} must be a whole number${range}, not ${describe(value)}`,
  )
}

/** @throws InvalidArgumentError unless `value` is a function. */
export function checkFunction(op: string, value: unknown): void {
  if (typeof value === 'function') return
  throw new InvalidArgumentError(`${op} takes a function, not ${describe(value)}`)
}
