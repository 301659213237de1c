/**
 * What a value is, as something that can be compared: two values are equal when they have the same structure and
 * hold the same. Numbers compare as a `Set` compares them: NaN equals NaN, -0 equals 0. `1`, `1n`, `'1'` and
 * `true` are four values. The order of a record's fields does not count, nor does that of a Map or Set; typed
 * arrays compare by type and content, a `Buffer` as the `Uint8Array` it is.
 */
import { hash } from 'node:crypto'
import { types } from 'node:util'
import { InvalidArgumentError } from '../errors/index.ts'
import { describe } from './batch.ts'
import { Column, isRecord, Tensor } from './tensor.ts'

/** A value that a `Set` compares right: text stands for texts and, digested, for all that is larger. */
export type ValueKey = number | bigint | boolean | null | undefined | string

/** Bytes of a digest: half of SHA-256, with which no two different values were ever found to collide. */
export const DIGEST_BYTES = 16

/** Longer texts are digested, so that a key has a bounded size. */
const LONG_TEXT = 64

const MAX_DEPTH = 64

/**
 * The key of a value.
 *
 * @throws InvalidArgumentError of what has no value to compare: functions, symbols, instances of classes.
 */
export function keyOf(value: unknown): ValueKey {
  switch (typeof value) {
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return value
    case 'string':
      return value.length <= LONG_TEXT ? `=${value}` : `#${digestOf(value)}`
    default:
      return value === null ? null : `#${digestOf(value)}`
  }
}

/** The digest of a value, given by its key: `DIGEST_BYTES` characters of one byte each. */
export function digestOfKey(key: ValueKey): string {
  if (typeof key !== 'string') return digestOf(key)
  return key.startsWith('#') ? key.slice(1) : digestOf(key.slice(1))
}

/** The digest of a value: the same in every process and on every machine. */
export function digestOf(value: unknown): string {
  if (scratch.tooLarge) scratch = new Encoder()
  scratch.length = 0
  scratch.value(value, 0)
  return hash('sha256', scratch.written, 'binary').slice(0, DIGEST_BYTES)
}

/** The digest as text that may be the name of a file. */
export function nameOf(value: unknown): string {
  return Buffer.from(digestOf(value), 'latin1').toString('base64url')
}

/** Writes a value so that different values give different bytes: each part begins with its kind and its length. */
class Encoder {
  length = 0
  #bytes = Buffer.alloc(1024)

  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  /** True when it grew for a value that was larger than most. */
  get tooLarge(): boolean {
    return this.#bytes.length > 1024 * 1024
  }

  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number':
        return this.#number(value)
      case 'string':
        return this.#text('s', value)
      case 'boolean':
        return this.#mark(value ? 't' : 'f', 0)
      case 'bigint':
        return this.#text('i', value.toString(16))
      case 'undefined':
        return this.#mark('u', 0)
      case 'object':
        return value === null ? this.#mark('n', 0) : this.#object(value, depth)
      default:
        throw incomparable(value)
    }
  }

  #object(value: object, depth: number): void {
    if (depth === MAX_DEPTH) {
      throw new InvalidArgumentError(
        `a value nested deeper than ${MAX_DEPTH} levels, or in a circle, cannot be compared; give a key`,
      )
    }
    if (Array.isArray(value))
      return this.#members(value instanceof Column ? 'c' : 'a', value, depth)
    if (ArrayBuffer.isView(value)) return this.#view(value)
    if (value instanceof Tensor) {
      const { data, shape } = value as Tensor
      return this.#members('x', [...shape, data], depth)
    }
    if (isRecord(value)) return this.#record(value, depth)
    if (types.isDate(value)) return this.#members('d', [value.getTime()], depth)
    if (types.isMap(value)) return this.#unordered('m', [...value], depth)
    if (types.isSet(value)) return this.#unordered('e', [...value], depth)
    if (value instanceof ArrayBuffer) return this.#members('b', [new Uint8Array(value)], depth)
    throw incomparable(value)
  }

  #members(kind: string, items: readonly unknown[], depth: number): void {
    this.#mark(kind, items.length)
    for (const item of items) this.value(item, depth + 1)
  }

  #record(record: Record<string, unknown>, depth: number): void {
    const fields = Object.keys(record).sort()
    this.#mark('r', fields.length)
    for (const field of fields) {
      this.#text('s', field)
      this.value(record[field], depth + 1)
    }
  }

  #unordered(kind: string, items: readonly unknown[], depth: number): void {
    const digests = items.map((item) => {
      const one = new Encoder()
      one.value(item, depth + 1)
      return hash('sha256', one.written, 'binary')
    })
    this.#members(kind, digests.sort(), depth)
  }

  #view(view: ArrayBufferView): void {
    const kind = Buffer.isBuffer(view) ? 'Uint8Array' : view.constructor.name
    this.#text('v', kind)
    this.#mark('w', view.byteLength)
    const { buffer, byteOffset } = oneZero(view)
    const at = this.#room(view.byteLength)
    this.#bytes.set(new Uint8Array(buffer, byteOffset, view.byteLength), at)
  }

  #number(x: number): void {
    const at = this.#room(9)
    this.#bytes.write('d', at, 'latin1')
    this.#bytes.writeDoubleLE(oneOf(x), at + 1)
  }

  /** As the UTF-16 it is: a half of a surrogate pair has no UTF-8. */
  #text(kind: string, text: string): void {
    this.#mark(kind, text.length)
    const at = this.#room(2 * text.length)
    this.#bytes.write(text, at, 'utf16le')
  }

  #mark(kind: string, length: number): void {
    const at = this.#room(5)
    this.#bytes.write(kind, at, 'latin1')
    this.#bytes.writeUInt32LE(length, at + 1)
  }

  /** Place for so many bytes at the end. */
  #room(bytes: number): number {
    const at = this.length
    this.length += bytes
    if (this.length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.length, 2 * this.#bytes.length))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return at
  }
}

let scratch = new Encoder()

/** One zero and one NaN, of which there are several by their bits. */
const oneOf = (x: number): number => (x === 0 ? 0 : Number.isNaN(x) ? NaN : x)

function oneZero(view: ArrayBufferView): ArrayBufferView {
  return view instanceof Float64Array || view instanceof Float32Array ? view.map(oneOf) : view
}

function incomparable(value: unknown): InvalidArgumentError {
  const what = typeof value === 'object' ? describe(value) : `a ${typeof value}`
  return new InvalidArgumentError(
    `${what} has no value that could be compared; give a key made of numbers, texts, records or typed arrays`,
  )
}
