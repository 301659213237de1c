/**
 * What values look like between threads, and in files. `structuredClone` would send the whole buffer behind a view, turn a
 * `Buffer` into a bare `Uint8Array` and a `Tensor` or `Column` into a plain object or array; here they arrive
 * as they left.
 */
import { types } from 'node:util'
import { InvalidArgumentError } from '../errors/index.ts'
import { describe } from '../tensor/batch.ts'
import { Column, isRecord, isTuple, Tensor } from '../tensor/tensor.ts'

/** Values ready for `postMessage`. */
export interface Packed {
  readonly values: readonly unknown[]
  /** Buffers that may move: nobody else has them. */
  readonly transfer: readonly ArrayBuffer[]
  /** Whether `unpack` has anything to restore. */
  readonly marked: boolean
}

/**
 * `send`: for `postMessage`; buffers are copied, and the copies move.
 * `keep`: to be written by `node:v8`, which writes of a buffer what a view shows; refuses what would not come back as
 * it was: instances of classes, functions, circles.
 */
export type Purpose = 'send' | 'keep'

const mark = '\u0000millstream'

/** Structures deeper than this go through as `structuredClone` takes them. */
const maxDepth = 8
/** Deeper ones are not kept. */
const maxKeptDepth = 64

type Marked =
  | { readonly [mark]: 'buffer'; readonly bytes: unknown }
  | { readonly [mark]: 'tensor'; readonly data: unknown; readonly shape: unknown }
  | { readonly [mark]: 'column'; readonly items: readonly unknown[] }

/** Prepares values for another thread, or for a file. Leaves the originals alone. */
export function pack(values: readonly unknown[], purpose: Purpose = 'send'): Packed {
  const packer = new Packer(purpose)
  return {
    values: values.map((value) => packer.pack(value, 0)),
    transfer: packer.transfer,
    marked: packer.marked,
  }
}

/** Restores what `pack` made, in the thread that received it; `kept` when it was made to be kept. */
export function unpack(
  packed: Pick<Packed, 'values' | 'marked'>,
  kept = false,
): readonly unknown[] {
  const levels = kept ? maxKeptDepth : maxDepth
  return packed.marked ? packed.values.map((value) => restore(value, levels)) : packed.values
}

class Packer {
  readonly transfer: ArrayBuffer[] = []
  marked = false
  readonly #keeps: boolean
  readonly #maxDepth: number

  constructor(purpose: Purpose) {
    this.#keeps = purpose === 'keep'
    this.#maxDepth = this.#keeps ? maxKeptDepth : maxDepth
  }

  pack(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return this.#single(value)
    if (depth > this.#maxDepth) return this.#tooDeep(value)
    if (ArrayBuffer.isView(value)) return this.#view(value)
    if (value instanceof ArrayBuffer) return this.#buffer(value)
    if (value instanceof Tensor) {
      const { data, shape } = value as Tensor
      return this.#marked({ [mark]: 'tensor', data: this.#view(data), shape })
    }
    if (value instanceof Column) {
      return this.#marked({ [mark]: 'column', items: this.#members(Array.from(value), depth) })
    }
    if (isTuple(value)) return this.#members(value, depth)
    if (isRecord(value)) return this.#fields(value, depth)
    if (types.isMap(value) || types.isSet(value)) return this.#collection(value, depth)
    if (this.#keeps && !types.isDate(value) && !types.isRegExp(value)) throw notKept(value)
    return value
  }

  #single(value: unknown): unknown {
    if (this.#keeps && (typeof value === 'function' || typeof value === 'symbol')) {
      throw notKept(value)
    }
    return value
  }

  #tooDeep(value: unknown): unknown {
    if (!this.#keeps) return value
    throw new InvalidArgumentError(
      `a value nested deeper than ${maxKeptDepth} levels, or in a circle, cannot be kept`,
    )
  }

  #collection(
    value: Map<unknown, unknown> | Set<unknown>,
    depth: number,
  ): Map<unknown, unknown> | Set<unknown> {
    const members = [...value] as readonly unknown[]
    const packed = this.#members(members, depth)
    if (packed === members) return value
    return types.isMap(value) ? new Map(packed as [unknown, unknown][]) : new Set(packed)
  }

  #marked(marked: Marked): Marked {
    this.marked = true
    return marked
  }

  #members(items: readonly unknown[], depth: number): readonly unknown[] {
    let result: unknown[] | undefined
    for (let i = 0; i < items.length; i++) {
      const packed = this.pack(items[i], depth + 1)
      if (packed !== items[i]) (result ??= items.slice())[i] = packed
    }
    return result ?? items
  }

  #fields(record: Record<string, unknown>, depth: number): Record<string, unknown> {
    let result: Record<string, unknown> | undefined
    for (const key of Object.keys(record)) {
      const packed = this.pack(record[key], depth + 1)
      if (packed !== record[key]) (result ??= { ...record })[key] = packed
    }
    return result ?? record
  }

  #view(view: ArrayBufferView): unknown {
    if (this.#keeps) return view
    const bare = this.#bare(view)
    return Buffer.isBuffer(view) ? this.#marked({ [mark]: 'buffer', bytes: bare }) : bare
  }

  #bare(view: ArrayBufferView): ArrayBufferView {
    return moves(view.buffer) ? this.#owned(copyOf(view)) : view
  }

  #buffer(buffer: ArrayBuffer): ArrayBuffer {
    if (this.#keeps || !moves(buffer)) return buffer
    const copy = buffer.slice(0)
    this.transfer.push(copy)
    return copy
  }

  #owned(view: ArrayBufferView): ArrayBufferView {
    this.transfer.push(view.buffer as ArrayBuffer)
    return view
  }
}

/**
 * False for memory that is shared, that can grow, or that moved away before: `postMessage` knows what becomes of it.
 * For nothing at all, too.
 */
function moves(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return false
  return !('resizable' in buffer && buffer.resizable === true)
}

function notKept(value: unknown): InvalidArgumentError {
  const what = typeof value === 'object' ? describe(value) : `a ${typeof value}`
  return new InvalidArgumentError(
    `${what} cannot be kept: it would not come back as what it is. Make plain data of it first: numbers, ` +
      'texts, dates, records, tuples, typed arrays, tensors',
  )
}

/** The part of the buffer that the view shows, as a view of the same kind. */
function copyOf(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength)
  if (Buffer.isBuffer(view)) return new Uint8Array(bytes)
  const type = view.constructor as new (buffer: ArrayBufferLike) => ArrayBufferView
  return new type(bytes)
}

function restore(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null || levels < 0) return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (i in value) value[i] = restore(value[i], levels - 1) // a hole stays a hole
    }
    return value
  }
  if (types.isMap(value)) return new Map(restore([...value], levels) as [unknown, unknown][])
  if (types.isSet(value)) return new Set(restore([...value], levels) as unknown[])
  if (!isRecord(value)) return value
  if (mark in value) return restoreMarked(value as Marked, levels)
  for (const key of Object.keys(value)) value[key] = restore(value[key], levels - 1)
  return value
}

function restoreMarked(value: Marked, levels: number): unknown {
  switch (value[mark]) {
    case 'buffer':
      return asBuffer(value.bytes as Uint8Array<ArrayBuffer>)
    case 'tensor': {
      const { data, shape } = value as unknown as Tensor
      return new Tensor(restore(data, levels - 1) as typeof data, shape)
    }
    case 'column':
      return Column.copy(value.items.map((item) => restore(item, levels - 1)))
  }
}

function asBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
