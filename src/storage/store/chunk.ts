import { crc32 } from 'node:zlib'
import { fromBytes, toBytes } from '../../stream/wire-bytes.ts'

/**
 * Some neighbouring elements as bytes: a header (magic, number of elements, bytes that follow, their CRC-32; four
 * little-endian words), then the values as `node:v8` writes them.
 */

const MAGIC = 0x3143534d // "MSC1"
export const HEADER_BYTES = 16

/** What one chunk can hold. */
const MOST_BYTES = 0xffff_ffff

/** Header and values, to be written one after the other. */
export function encodeChunk(items: readonly unknown[]): readonly [Buffer, Buffer] {
  const body = toBytes(items)
  if (body.length > MOST_BYTES) {
    throw new RangeError(`an element of ${body.length} bytes is larger than a file can keep, 4 GB`)
  }
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt32LE(items.length, 4)
  header.writeUInt32LE(body.length, 8)
  header.writeUInt32LE(crc32(body, crc32(header.subarray(0, 12))), 12)
  return [header, body]
}

/** The elements, or a text that says what is wrong with the bytes. */
export function decodeChunk(bytes: Buffer): readonly unknown[] | string {
  if (bytes.length < HEADER_BYTES) return 'the file ends within it'
  if (bytes.readUInt32LE(0) !== MAGIC) return 'it does not begin as one'
  const body = bytes.subarray(HEADER_BYTES)
  if (bytes.readUInt32LE(8) !== body.length)
    return 'the file ends within it, or its length is wrong'
  if (crc32(body, crc32(bytes.subarray(0, 12))) !== bytes.readUInt32LE(12)) {
    return 'its checksum differs'
  }
  const items = fromBytes(body)
  return items.length === bytes.readUInt32LE(4) ? items : 'it holds another number of elements'
}
