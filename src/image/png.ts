import { crc32, inflateSync } from 'node:zlib'
import { DataError } from '../errors/index.ts'
import type { Image } from './image.ts'

/**
 * Plain small PNG files, decoded here. libvips takes most of a millisecond for any image, whatever its size;
 * a data set of thousands of thumbnails then spends its time there instead of on pixels.
 */

const signature = [137, 80, 78, 71, 13, 10, 26, 10]
/** Larger pictures gain nothing: their pixels cost more than the call. */
const mostPixels = 128 * 128
/** Chunks that change no pixel; any other (palette, transparency, colour profile, EXIF) is sharp's. */
const harmless = new Set(['IHDR', 'IDAT', 'IEND', 'pHYs', 'tEXt', 'zTXt', 'iTXt', 'tIME', 'sRGB'])
const rgb = 2

interface Header {
  readonly width: number
  readonly height: number
}

/**
 * The picture of a small 8-bit RGB PNG file that is neither interlaced nor carries a colour profile;
 * undefined for all other files.
 *
 * @throws DataError when it is such a file, but damaged.
 */
export function decodePlainPng(bytes: Uint8Array): Image | undefined {
  if (bytes.length < 33 || signature.some((value, i) => bytes[i] !== value)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = nameAt(bytes, 12) === 'IHDR' ? headerOf(view) : undefined
  if (header === undefined) return undefined
  const data = pixelChunks(bytes, view)
  if (data === undefined) return undefined
  const { width, height } = header
  const stride = 3 * width + 1
  const rows = inflated(data, stride * height)
  const out = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) unfilter(rows, out, y, stride)
  return { data: out, width, height, channels: 3 }
}

function headerOf(view: DataView): Header | undefined {
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  const isPlain = view.getUint8(24) === 8 && view.getUint8(25) === rgb && view.getUint8(28) === 0
  const isSmall = width > 0 && height > 0 && width * height <= mostPixels
  return isPlain && isSmall ? { width, height } : undefined
}

/** The compressed pixels; undefined where a chunk asks for more than plain decoding. */
function pixelChunks(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  const parts: Uint8Array[] = []
  for (let at = signature.length; ;) {
    if (at + 12 > bytes.length) throw new DataError('truncated image')
    const length = view.getUint32(at)
    const end = at + 8 + length
    const name = nameAt(bytes, at + 4)
    if (!harmless.has(name)) return undefined
    if (end + 4 > bytes.length) throw new DataError('truncated image')
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw new DataError(`damaged image (checksum of its ${name} part)`)
    }
    if (name === 'IEND') break
    if (name === 'IDAT') parts.push(bytes.subarray(at + 8, end))
    at = end + 4
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}

function inflated(data: Uint8Array, length: number): Uint8Array {
  try {
    const rows = inflateSync(data, { maxOutputLength: length + 1 })
    if (rows.length === length) return rows
  } catch (cause) {
    throw new DataError('damaged image (its pixels cannot be unpacked)', { cause })
  }
  throw new DataError('truncated image')
}

/** Undoes the filter of row `y`: pixels are stored as differences from their neighbours. */
function unfilter(rows: Uint8Array, out: Uint8Array, y: number, stride: number): void {
  const width = stride - 1
  const filter = rows[y * stride] as number
  const row = rows.subarray(y * stride + 1, (y + 1) * stride)
  const to = out.subarray(y * width, (y + 1) * width)
  const above = y > 0 ? out.subarray((y - 1) * width, y * width) : new Uint8Array(width)
  const undo = filters[filter]
  if (undo === undefined) throw new DataError(`damaged image (filter ${filter})`)
  undo(row, to, above)
}

/** Adds to the bytes of a row what its filter predicts for them; `a`: left, `b`: above, `c`: above left. */
type Undo = (row: Uint8Array, to: Uint8Array, above: Uint8Array) => void

/**
 * By number, as the PNG specification counts them. A loop for each takes a third of the time of one loop that asks for the
 * filter at every byte. Reads are within bounds: the assertions keep checks out of the loops.
 */
const filters: readonly Undo[] = [
  (row, to) => to.set(row),
  (row, to) => {
    to.set(row.subarray(0, 3))
    for (let i = 3; i < row.length; i++) to[i] = (row[i] as number) + (to[i - 3] as number)
  },
  (row, to, above) => {
    for (let i = 0; i < row.length; i++) to[i] = (row[i] as number) + (above[i] as number)
  },
  (row, to, above) => {
    for (let i = 0; i < row.length; i++) {
      const a = i < 3 ? 0 : (to[i - 3] as number)
      to[i] = (row[i] as number) + ((a + (above[i] as number)) >> 1)
    }
  },
  (row, to, above) => {
    for (let i = 0; i < row.length; i++) {
      const a = i < 3 ? 0 : (to[i - 3] as number)
      const c = i < 3 ? 0 : (above[i - 3] as number)
      to[i] = (row[i] as number) + paeth(a, above[i] as number, c)
    }
  },
]

function paeth(a: number, b: number, c: number): number {
  const estimate = a + b - c
  const da = Math.abs(estimate - a)
  const db = Math.abs(estimate - b)
  const dc = Math.abs(estimate - c)
  if (da <= db && da <= dc) return a
  return db <= dc ? b : c
}
