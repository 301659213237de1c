import type { default as Sharp, Sharp as Picture } from 'sharp'
import { MissingPackageError } from '../errors/index.ts'
import { byteProduct } from './alpha.ts'
import type { Image } from './image.ts'

/** sharp is an optional peer and a native package: loaded when the first picture needs it. */
async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    throw new MissingPackageError('sharp', 'Decoding pictures', 'npm i sharp', { cause })
  }
}

/** What sharp is asked for. */
export interface SharpOptions {
  /** 3 leaves alpha out, 4 adds it where there is none. */
  readonly channels: 3 | 4
  readonly orientation: boolean
  readonly maxPixels: number
  /** Whether the file holds CMYK. */
  readonly cmyk: boolean
}

/** Decodes a file of any format that sharp knows: 8 bits, the first picture, colours without their profile, as Pillow. */
export async function decodeWithSharp(bytes: Uint8Array, options: SharpOptions): Promise<Image> {
  const { channels, orientation, maxPixels, cmyk } = options
  const sharp = await loadSharp()
  const file = sharp(bytes, { limitInputPixels: maxPixels, ignoreIcc: true })
  const turned = orientation ? file.autoOrient() : file
  if (cmyk) return rgbOfInk(channels, await pixelsOf(turned.pipelineColourspace('cmyk'), 'cmyk'))
  const coloured = turned.toColourspace('srgb')
  return pixelsOf(channels === 4 ? coloured.ensureAlpha() : coloured.removeAlpha(), 'srgb')
}

async function pixelsOf(picture: Picture, space: string): Promise<Image> {
  const { data, info } = await picture
    .toColourspace(space)
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  return { data: own(data), width, height, channels }
}

/** Small results share one slab of Node's: a view of it could not be moved to another thread alone. */
function own(data: Uint8Array): Uint8Array {
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength
  return whole ? new Uint8Array(data.buffer) : new Uint8Array(data)
}

/** CMYK as RGB by Pillow's rule: what the inks leave of white. */
function rgbOfInk(channels: 3 | 4, { data, width, height }: Image): Image {
  const out = new Uint8Array(width * height * channels).fill(255)
  for (let i = 0, o = 0; i < data.length; i += 4, o += channels) {
    const white = 255 - (data[i + 3] as number)
    for (let c = 0; c < 3; c++) out[o + c] = white - byteProduct(data[i + c] as number, white)
  }
  return { data: out, width, height, channels }
}

/** The file of a picture as PNG, for pages and tests. Needs the package sharp. */
export async function encodePng(image: Image): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const { data, width, height } = image
  const channels = image.channels as 1 | 3 | 4
  return sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 6 }).toBuffer()
}
