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

/** @throws InvalidArgumentError unless `seed` is undefined or a whole number. */
export function checkSeed(op: string, seed: unknown): void {
  if (seed !== undefined) checkWhole(op, 'seed', seed, Number.MIN_SAFE_INTEGER)
}

/** What elements are grouped by. */
export type GroupKey = string | number | bigint | boolean

/** @throws InvalidArgumentError unless `key` is what elements can be grouped by. */
export function checkKey(op: string, key: unknown): GroupKey {
  switch (typeof key) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return key
    default:
      throw new InvalidArgumentError(
        `the key of ${op} must be text, a number or a boolean, not ${describe(key)}`,
      )
  }
}

/** @throws InvalidArgumentError for an option that there is not, naming the one that was meant. */
export function checkOptionNames(
  op: string,
  options: object,
  known: Readonly<Record<string, unknown>>,
): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    const names = Object.keys(known)
    const meant = names.find((other) => distance(name.toLowerCase(), other.toLowerCase()) <= 2)
    throw new InvalidArgumentError(
      `${op} has no option ${name}${meant === undefined ? '' : `; did you mean ${meant}?`} It takes ${names.join(', ')}`,
    )
  }
}

/** Letters to add, leave out or change (Levenshtein, 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let k = 1; k <= b.length; k++) {
      const change = (row[k - 1] ?? 0) + (a[i - 1] === b[k - 1] ? 0 : 1)
      next.push(Math.min(change, (row[k] ?? 0) + 1, (next[k - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** @throws InvalidArgumentError unless `value` is a function. */
export function checkFunction(op: string, value: unknown): void {
  if (typeof value === 'function') return
  throw new InvalidArgumentError(`${op} takes a function, not ${describe(value)}`)
}
