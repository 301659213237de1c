import { readFile } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { DataError, InvalidArgumentError, messageOf, MillstreamError } from '../errors/index.ts'
import type { Photo } from './photo.ts'
import { decodePlainPng } from './png.ts'
import { loadSharp } from './sharp.ts'

/** How a photo is brought to the size a model takes. */
export interface DecodeOptions {
  /**
   * Side in pixels of the square photo that comes out: scaled to cover it, then cut to its middle.
   * Without it the photo keeps its size.
   */
  readonly size?: number
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF (first picture) or TIFF file: turned upright by its EXIF
 * orientation, to 8-bit sRGB, transparency on white. `source` is a path or the bytes of a file.
 *
 * Needs the package sharp, but for small plain PNG files. Large JPEG files are shrunk while they are
 * decoded when `size` allows it.
 *
 * @throws DataError, with the path, when the file is empty, truncated or no image; MissingPackageError without sharp.
 */
export async function decodePhoto(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<Photo> {
  const { size } = options
  if (size !== undefined) checkSize(size)
  try {
    // sharp would keep files that it opened itself open for a while, and show what was in them before they changed.
    const bytes = typeof source === 'string' ? await readFile(source) : source
    return await decodeBytes(bytes, size)
  } catch (cause) {
    if (cause instanceof MillstreamError && !(cause instanceof DataError)) throw cause
    const reason = reasonOf(cause)
    const unnamed = typeof source === 'string' && !reason.includes(source)
    throw new DataError(unnamed ? `${source}: ${reason}` : reason, { cause })
  }
}

async function decodeBytes(bytes: Uint8Array, size: number | undefined): Promise<Photo> {
  if (bytes.byteLength === 0) throw new DataError('empty file')
  const small = decodePlainPng(bytes)
  if (small !== undefined && fits(small, size)) return small
  const sharp = await loadSharp()
  const upright = sharp(bytes).autoOrient()
  const square = size === undefined ? upright : upright.resize(size, size, { fit: 'cover' })
  return rawPhoto(square.flatten({ background: '#fff' }))
}

/**
 * Scales a photo to cover a square of `size` pixels and cuts it to its middle. Returns the same photo
 * when it has that size already.
 *
 * @throws MissingPackageError without the package sharp.
 */
export async function resizePhoto(photo: Photo, size: number): Promise<Photo> {
  checkSize(size)
  if (photo.width === size && photo.height === size) return photo
  const sharp = await loadSharp()
  const { data, width, height } = photo
  return rawPhoto(
    sharp(data, { raw: { width, height, channels: 3 } }).resize(size, size, { fit: 'cover' }),
  )
}

/** The file of a photo as PNG, for pages and tests. Needs the package sharp. */
export async function encodePng(photo: Photo): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const { data, width, height } = photo
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer()
}

async function rawPhoto(image: Sharp): Promise<Photo> {
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { data: own(data), width: info.width, height: info.height }
}

/** Small results share one slab of Node's: a view of it could not be moved to another thread alone. */
function own(data: Uint8Array): Uint8Array {
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength
  return whole ? new Uint8Array(data.buffer) : new Uint8Array(data)
}

function fits({ width, height }: Photo, size: number | undefined): boolean {
  return size === undefined || (width === size && height === size)
}

function checkSize(size: number): void {
  if (!Number.isInteger(size) || size < 1) {
    throw new InvalidArgumentError(`size is a whole number of pixels, 1 or more, not ${size}`)
  }
}

/** In words for somebody with a folder of photos; sharp's own words where they say more. */
function reasonOf(cause: unknown): string {
  const message = messageOf(cause).trim()
  if (cause instanceof DataError) return message
  if (/is empty|no such file|is missing/i.test(message)) return message.split('\n')[0] ?? message
  if (/unsupported image format/i.test(message)) return 'not an image in a known format'
  if (/premature end|truncated|unexpected end|end of stream|end-of-image|eof/i.test(message)) {
    return 'truncated image'
  }
  return `damaged image (${message.replaceAll(/\s*\n\s*/g, '; ')})`
}
