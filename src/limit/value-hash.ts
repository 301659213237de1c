import { createHash } from 'node:crypto'
import { InvalidArgumentError } from '../errors/index.ts'
import { Column, describe, isRecord, isTuple, Tensor } from '../tensor/index.ts'

const maxDepth = 64

/**
 * 128 bits of SHA-256, as text, that stand for a value of plain data: equal for equal values, whatever the
 * order of a record's members; different kinds of arrays differ. `name` tells apart what the hash is for.
 *
 * @throws InvalidArgumentError for functions, instances of classes, and structures that hold themselves.
 */
export function hashOfValue(name: string, value: unknown): string {
  const text = `${JSON.stringify(name)}${canonical(value, 0)}`
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

function canonical(value: unknown, depth: number): string {
  if (depth > maxDepth)
    throw new InvalidArgumentError('cannot hash a value that is nested so deeply')
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'object':
      return value === null ? 'null' : canonicalObject(value, depth + 1)
    default:
      throw notHashed(value)
  }
}

function canonicalObject(value: object, depth: number): string {
  if (ArrayBuffer.isView(value)) return bytesOf(value)
  if (value instanceof ArrayBuffer) return bytesOf(new Uint8Array(value))
  if (value instanceof Tensor) {
    const { data, shape } = value as Tensor
    return `T${JSON.stringify(shape)}${bytesOf(data)}`
  }
  if (value instanceof Date) return `D${value.getTime()}`
  if (value instanceof Column || value instanceof Set) return `C${members([...value], depth)}`
  if (value instanceof Map) return `M${members([...value], depth)}`
  if (isTuple(value)) return members(value, depth)
  if (!isRecord(value)) throw notHashed(value)
  const fields = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key], depth)}`)
  return `{${fields.join(',')}}`
}

function members(items: readonly unknown[], depth: number): string {
  return `[${items.map((item) => canonical(item, depth)).join(',')}]`
}

/** Long arrays go in by their hash: text of their numbers would be many times their size. */
function bytesOf(view: ArrayBufferView): string {
  const kind = Buffer.isBuffer(view) ? 'Uint8Array' : view.constructor.name
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  return `${kind}${createHash('sha256').update(bytes).digest('base64url')}`
}

function notHashed(value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `cache: an element holds ${describe(value)}, which has no hash: give plain data, or map it to some before`,
  )
}
