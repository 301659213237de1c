/**
 * What values look like between threads, and in files. `structuredClone` would send the whole buffer behind a view, turn a
 * `Buffer` into a bare `Uint8Array` and a `Tensor` or `Column` into a plain object or array; here they arrive
 * as they left.
 */
import { types } from 'node:util'
import { InvalidArgumentError } from '../errors/index.ts'
import { Column, describe, isRecord, isTuple, Tensor } from '../tensor/index.ts'

/** Values ready for `postMessage`. */
export interface Packed {
  readonly values: readonly unknown[]
  /** Buffers that may move instead of being copied. */
  readonly transfer: readonly ArrayBuffer[]
  /** Whether `unpack` has anything to restore. */
  readonly marked: boolean
}

/**
 * `move`: give away buffers that `values` fill wholly, as a stage's results do; what `kept` holds stays.
 * `copy`: leave the originals alone.
 * `keep`: to be written by `node:v8`, which writes of a buffer what a view shows; refuses what would not come back as
 * it was: instances of classes, functions, circles.
 */
export type Handover =
  | { readonly how: 'copy' }
  | { readonly how: 'keep' }
  | { readonly how: 'move'; readonly kept: ReadonlySet<unknown> }

const mark = '\u0000millstream'

/** Structures deeper than this go through as `structuredClone` takes them. */
const maxDepth = 8
/** Deeper ones are not kept. */
const maxKeptDepth = 64

type Marked =
  | { readonly [mark]: 'buffer'; readonly bytes: unknown }
  | { readonly [mark]: 'tensor'; readonly data: unknown; readonly shape: unknown }
  | { readonly [mark]: 'column'; readonly items: readonly unknown[] }

/** Prepares values for another thread. */
export function pack(values: readonly unknown[], handover: Handover): Packed {
  const packer = new Packer(handover)
  return {
    values: values.map((value) => packer.pack(value, 0)),
    transfer: [...packer.transfer],
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
  readonly transfer = new Set<ArrayBuffer>()
  marked = false
  readonly #handover: Handover
  readonly #keeps: boolean
  readonly #maxDepth: number

  constructor(handover: Handover) {
    this.#handover = handover
    this.#keeps = handover.how === 'keep'
    this.#maxDepth = this.#keeps ? maxKeptDepth : maxDepth
  }

  pack(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return this.#single(value)
    if (depth > this.#maxDepth) return this.#tooDeep(value)
    if (ArrayBuffer.isView(value)) return this.#view(value)
    if (value instanceof ArrayBuffer) return this.#whole(value, value)
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
    const { buffer } = view
    if (!(buffer instanceof ArrayBuffer)) return view
    if (view.byteLength === buffer.byteLength) return this.#whole(view, buffer)
    const copy = copyOf(view)
    this.transfer.add(copy.buffer as ArrayBuffer)
    return copy
  }

  #whole<T>(value: T, buffer: ArrayBuffer): T {
    const moves = this.#handover.how === 'move' && !this.#handover.kept.has(buffer)
    // A buffer that moved away before has length 0: copying it fails here, moving it in Node 20 fails there.
    if (moves && buffer.byteLength > 0) this.transfer.add(buffer)
    return value
  }
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
    for (let i = 0; i < value.length; i++) value[i] = restore(value[i], levels - 1)
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

/** The array buffers that a worker's state holds, which results must not take away. */
export function buffersIn(
  value: unknown,
  found = new Set<unknown>(),
  depth = 0,
): ReadonlySet<unknown> {
  if (typeof value !== 'object' || value === null || depth > 3) return found
  if (ArrayBuffer.isView(value)) found.add(value.buffer)
  else if (value instanceof ArrayBuffer) found.add(value)
  else for (const member of Object.values(value)) buffersIn(member, found, depth + 1)
  return found
}
