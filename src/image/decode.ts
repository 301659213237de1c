import { readFile } from 'node:fs/promises'
import { DataError, InvalidArgumentError, messageOf, MillstreamError } from '../errors/index.ts'
import { onBackground } from './alpha.ts'
import { grayscale } from './colour.ts'
import { checkPixels, type Image } from './image.ts'
import { jpegHeader } from './jpeg-header.ts'
import { decodePlainPng } from './png.ts'
import { square } from './resize.ts'
import { decodeWithSharp } from './sharp.ts'

/** What is made of an image file. */
export interface DecodeOptions {
  /**
   * Side in pixels of the square picture that comes out: its shorter side resized (bilinear, antialiased), the longer one
   * cut to the middle. Without it the picture keeps its size.
   */
  readonly size?: number
  /** 1 is grey, 3 RGB without alpha, 4 RGB with alpha. Default 3. */
  readonly channels?: 1 | 3 | 4
  /** The colour behind transparent parts, as RGB. Without it alpha is left out, and colours stay as they are stored. */
  readonly background?: readonly [number, number, number]
  /** Whether to turn the picture upright, as its EXIF orientation says. Default true. */
  readonly orientation?: boolean
  /**
   * Pictures of more pixels are refused before memory is taken for them: a file of some kilobytes can hold billions.
   * Default 89,478,485, a quarter of a gigabyte of RGB, as in Pillow.
   */
  readonly maxPixels?: number
}

const defaultMaxPixels = 89_478_485

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF (first picture) or TIFF file: upright, as 8-bit RGB, colour profiles left out, as
 * Pillow's `convert('RGB')` does. `source` is a path or the bytes of a file.
 *
 * Needs the package sharp, but for small plain PNG files.
 *
 * @throws DataError, with the path, when the file is empty, truncated, damaged, too large or no image;
 * MissingPackageError without sharp; InvalidArgumentError for options that cannot be.
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<Image> {
  checkOptions(options)
  try {
    // sharp would keep files that it opened itself open for a while, and show what was in them before they changed.
    const bytes = typeof source === 'string' ? await readFile(source) : source
    return await decodeBytes(bytes, options)
  } catch (cause) {
    if (cause instanceof MillstreamError && !(cause instanceof DataError)) throw cause
    const reason = reasonOf(cause)
    const unnamed = typeof source === 'string' && !reason.includes(source)
    throw new DataError(unnamed ? `${source}: ${reason}` : reason, { cause })
  }
}

function checkOptions({ size, channels = 3, background, maxPixels = 1 }: DecodeOptions): void {
  if (size !== undefined) checkPixels('size', size)
  checkPixels('maxPixels', maxPixels)
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new InvalidArgumentError(`channels is 1, 3 or 4, not ${String(channels)}`)
  }
  if (background !== undefined && channels === 4) {
    throw new InvalidArgumentError('a picture with a background has no alpha: channels is 1 or 3')
  }
}

async function decodeBytes(bytes: Uint8Array, options: DecodeOptions): Promise<Image> {
  if (bytes.byteLength === 0) throw new DataError('empty file')
  const { size, channels = 3, background } = options
  const stored = await decodeStored(bytes, background === undefined ? channels : 4, options)
  const opaque = background === undefined ? stored : onBackground(stored, background)
  const image = channels === 1 ? grayscale(opaque) : opaque
  return size === undefined ? image : square(image, size)
}

async function decodeStored(
  bytes: Uint8Array,
  channels: 1 | 3 | 4,
  { orientation = true, maxPixels = defaultMaxPixels }: DecodeOptions,
): Promise<Image> {
  const small = channels === 4 ? undefined : decodePlainPng(bytes)
  if (small !== undefined && small.width * small.height <= maxPixels) return small
  const cmyk = jpegHeader(bytes)?.components === 4
  return decodeWithSharp(bytes, { channels: channels === 4 ? 4 : 3, orientation, maxPixels, cmyk })
}

/** In words for somebody with a folder of pictures; sharp's own words where they say more. */
function reasonOf(cause: unknown): string {
  const message = messageOf(cause).trim()
  if (cause instanceof DataError) return message
  if (/is empty|no such file|is missing/i.test(message)) return message.split('\n')[0] ?? message
  if (/unsupported image format/i.test(message)) return 'not an image in a known format'
  if (/exceeds pixel limit/i.test(message)) return 'more pixels than maxPixels lets through'
  if (/premature end|truncated|unexpected end|end of stream|end-of-image|eof/i.test(message)) {
    return 'truncated image'
  }
  return `damaged image (${message.replaceAll(/\s*\n\s*/g, '; ')})`
}
