import { DataError } from '../errors/index.ts'
import { isNumericArray, Tensor } from '../tensor/index.ts'
import { jsonLine } from './json-line.ts'

/**
 * One element as one line of JSON, for files: what JSON has no word for is refused instead of changed. Typed
 * arrays become arrays of numbers, tensors arrays of arrays; undefined members are left out.
 *
 * @throws DataError naming the member that does not fit.
 */
export function exactJsonLine(element: unknown): string {
  if (isJson(element, 0)) return JSON.stringify(element)
  refuseMisfits(element, '', [])
  return jsonLine(element)
}

/** Deeper than this, the careful way looks for elements that refer to themselves. */
const SHALLOW = 32

/** True of what `JSON.stringify` writes as it is: the quick way for almost all elements. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth > SHALLOW) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isJson(item, depth + 1)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) return false
  for (const member of Object.values(value)) {
    if (member !== undefined && !isJson(member, depth + 1)) return false
  }
  return true
}

function refuseMisfits(value: unknown, path: string, above: readonly object[]): void {
  const misfit = misfitOf(value)
  if (misfit !== undefined) {
    const where = path === '' ? '' : `${path}: `
    throw new DataError(`${where}${misfit} has no JSON; map it to what should be written`)
  }
  if (typeof value !== 'object' || value === null) return
  if (above.includes(value))
    throw new DataError(`${path}: an element that refers to itself has no JSON`)
  const inner = [...above, value]
  if (value instanceof Tensor) refuseMisfits(value.data, path, inner)
  else if (isNumericArray(value) || Array.isArray(value)) refuseIn(value, path, inner)
  else if (value instanceof Map || value instanceof Set) refuseIn([...value], path, inner)
  else if (!isOpaque(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined) refuseMisfits(member, `${path}.${name}`, inner)
    }
  }
}

/** Objects whose members are not what is written of them. */
function isOpaque(value: object): boolean {
  return (
    'toJSON' in value ||
    value instanceof Error ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  )
}

function refuseIn(items: ArrayLike<unknown>, path: string, above: readonly object[]): void {
  for (let k = 0; k < items.length; k++) refuseMisfits(items[k], `${path}[${k}]`, above)
}

function misfitOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value)
  if (typeof value === 'bigint') return `the bigint ${value}`
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'an invalid date'
  if (value instanceof BigInt64Array || value instanceof BigUint64Array)
    return 'an array of bigints'
  return value === undefined || typeof value === 'symbol' || typeof value === 'function'
    ? typeof value
    : undefined
}
