/** Typed arrays of a slot: copied out of it, or seen where they lie. */
import type { ByteKind } from './kinds.ts'
import type { SlotMemory } from './slot-memory.ts'

/** Makes the bytes of a slot from `at` on a typed array. */
export type ViewMaker = (kind: ByteKind, memory: SlotMemory, at: number, length: number) => unknown

type Views = Readonly<
  Record<
    Exclude<ByteKind, 'Buffer' | 'ArrayBuffer'>,
    {
      new (buffer: ArrayBufferLike, from?: number, length?: number): ArrayBufferView
      readonly BYTES_PER_ELEMENT?: number
    }
  >
>

const classes: Views = {
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
}

/** A copy of its own, which stays as it is when the slot is written again. */
export const copied: ViewMaker = (kind, { bytes }, at, length) => {
  const own = Buffer.allocUnsafeSlow(length)
  own.set(bytes.subarray(at, at + length))
  return viewOf(kind, own.buffer, 0, length)
}

/** The memory of the slot itself: valid until the slot is freed. */
export const inPlace: ViewMaker = (kind, memory, at, length) =>
  kind === 'ArrayBuffer'
    ? copied(kind, memory, at, length)
    : viewOf(kind, memory.shared, memory.from + at, length)

/** Copies, as they would be seen in place: `revoke` empties them. */
export function revocable(): { readonly views: ViewMaker; readonly revoke: () => void } {
  const lent: ArrayBuffer[] = []
  const views: ViewMaker = (kind, memory, at, length) => {
    const view = copied(kind, memory, at, length)
    if (ArrayBuffer.isView(view)) lent.push(view.buffer as ArrayBuffer)
    return view
  }
  // Memory that is shared cannot be taken from whoever holds a view of it; memory of its own can.
  const revoke = (): void => {
    structuredClone(undefined, { transfer: lent.splice(0) })
  }
  return { views, revoke }
}

function viewOf(kind: ByteKind, buffer: ArrayBufferLike, from: number, length: number): unknown {
  if (kind === 'ArrayBuffer') return buffer
  if (kind === 'Buffer') return Buffer.from(buffer, from, length)
  const type = classes[kind]
  return new type(buffer, from, length / (type.BYTES_PER_ELEMENT ?? 1))
}
