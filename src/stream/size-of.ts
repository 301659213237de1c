/** Bytes that finished elements may hold while they wait for their turn. */
const ROOM_BYTES = 64 * 1024 * 1024

/** How many elements like `sample` may wait. */
export function roomFor(sample: unknown): number {
  return Math.max(8, Math.floor(ROOM_BYTES / sizeOf(sample)))
}

/** About how many bytes a value holds: exact for buffers, by shape for objects (three levels deep). */
export function sizeOf(value: unknown, depth = 3): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength
  if (value instanceof ArrayBuffer) return 64 + value.byteLength
  if (depth === 0) return 64
  if (Array.isArray(value)) {
    return 16 + (value.length === 0 ? 0 : value.length * (8 + sizeOf(value[0], depth - 1)))
  }
  let bytes = 32
  for (const member of Object.values(value)) bytes += 8 + sizeOf(member, depth - 1)
  return bytes
}
