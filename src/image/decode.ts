import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'
import { DataError, InvalidArgumentError, messageOf, MillstreamError } from '../errors/index.ts'
import { onBackground } from './alpha.ts'
import { grayscale } from './colour.ts'
import { upright } from './geometry.ts'
import { checkPixels, type Image } from './image.ts'
import { type JpegHeader, jpegHeader } from './jpeg-header.ts'
import { decodePlainPng } from './png.ts'
import { planOf, shorterSize, square } from './resize.ts'
import { decodeWithSharp } from './sharp.ts'
import { decodeTurbo, isTurbos } from './turbo.ts'

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
  /**
   * `'exact'`: the bytes that Pillow decodes. `'fast'`: JPEG files by libjpeg-turbo's fast transform in the calling thread, one
   * level off on average and two to three times as fast; needs the package \@julusian/jpeg-turbo. Other files are the same
   * either way. Default `'exact'`.
   */
  readonly decode?: 'exact' | 'fast'
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
 * Needs the package sharp, but for small plain PNG files and for JPEG files with `decode: 'fast'`.
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
    const bytes = typeof source === 'string' ? await fileAt(source) : source
    return await decodeBytes(bytes, options)
  } catch (cause) {
    if (cause instanceof MillstreamError && !(cause instanceof DataError)) throw cause
    const reason = reasonOf(cause)
    const unnamed = typeof source === 'string' && !reason.includes(source)
    throw new DataError(unnamed ? `${source}: ${reason}` : reason, { cause })
  }
}

/** A thread of a pool works on one file at a time: trips through libuv's pool would only make it wait. */
async function fileAt(path: string): Promise<Uint8Array> {
  return isMainThread ? readFile(path) : readFileSync(path)
}

function checkOptions({
  size,
  channels = 3,
  background,
  maxPixels = 1,
  decode = 'exact',
}: DecodeOptions): void {
  if (size !== undefined) checkPixels('size', size)
  checkPixels('maxPixels', maxPixels)
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new InvalidArgumentError(`channels is 1, 3 or 4, not ${String(channels)}`)
  }
  if (decode !== 'exact' && decode !== 'fast') {
    throw new InvalidArgumentError(`decode is 'exact' or 'fast', not ${String(decode)}`)
  }
  if (background !== undefined && channels === 4) {
    throw new InvalidArgumentError('a picture with a background has no alpha: channels is 1 or 3')
  }
}

async function decodeBytes(bytes: Uint8Array, options: DecodeOptions): Promise<Image> {
  if (bytes.byteLength === 0) throw new DataError('empty file')
  const { size, channels = 3, background } = options
  const stored = decodeHere(bytes, options) ?? (await decodeElsewhere(bytes, options))
  const opaque = background === undefined ? stored : onBackground(stored, background)
  const image = channels === 1 ? grayscale(opaque) : opaque
  return size === undefined ? image : square(image, size)
}

/** Small plain PNG files, and JPEG files where fast is good enough: without waiting. */
function decodeHere(bytes: Uint8Array, options: DecodeOptions): Image | undefined {
  const { channels, decode = 'exact', maxPixels = defaultMaxPixels } = options
  if (channels === 4) return undefined
  const small = decodePlainPng(bytes)
  if (small !== undefined && small.width * small.height <= maxPixels) return small
  const header = decode === 'fast' ? jpegHeader(bytes) : undefined
  if (header === undefined || !isTurbos(header)) return undefined
  const pixels = header.width * header.height
  return pixels > 0 && pixels <= maxPixels ? decodeFast(bytes, header, options) : undefined
}

function decodeFast(
  bytes: Uint8Array,
  header: JpegHeader,
  options: DecodeOptions,
): Image | undefined {
  const { size, orientation = true } = options
  const isTurned = orientation && header.orientation !== 1
  const plan =
    size === undefined || isTurned
      ? {}
      : planOf(header, shorterSize(header, size), 'bilinear', true)
  const image = decodeTurbo(bytes, header, plan)
  return image !== undefined && isTurned ? upright(image, header.orientation) : image
}

function decodeElsewhere(bytes: Uint8Array, options: DecodeOptions): Promise<Image> {
  const { channels, background, orientation = true, maxPixels = defaultMaxPixels } = options
  return decodeWithSharp(bytes, {
    channels: channels === 4 || background !== undefined ? 4 : 3,
    cmyk: jpegHeader(bytes)?.components === 4,
    orientation,
    maxPixels,
  })
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
