/**
 * Changes of colour. On bytes they are Pillow's `ImageEnhance` to the last bit, on floats torchvision's; alpha stays.
 */
import { InvalidArgumentError } from '../errors/index.ts'
import { blankPixels, coloursOf, type Image, type Pixels, withData } from './image.ts'

/**
 * Grey by the weights of ITU-R 601, as `channels` equal channels. Alpha is left out.
 *
 * @throws InvalidArgumentError when `channels` is not 1 or 3.
 */
export function grayscale<A extends Pixels>(image: Image<A>, channels: 1 | 3 = 1): Image<A> {
  if (channels !== 1 && channels !== 3) {
    throw new InvalidArgumentError(`grey has 1 or 3 channels, not ${String(channels)}`)
  }
  const { data, width, height } = image
  const out = blankPixels(data, width * height * channels)
  const grey = greyOf(image)
  for (let o = 0; o < out.length; o++) out[o] = grey((o / channels) | 0)
  return { data: out, width, height, channels }
}

/** The grey of a pixel by its number. */
function greyOf({ data, channels }: Image<Pixels>): (pixel: number) => number {
  if (channels < 3) return (pixel) => data[pixel * channels] as number
  const whole = data instanceof Uint8Array
  return (pixel) => {
    const i = pixel * channels
    const [r, g, b] = [data[i] as number, data[i + 1] as number, data[i + 2] as number]
    return whole
      ? (19595 * r + 38470 * g + 7471 * b + 32768) >> 16
      : 0.2989 * r + 0.587 * g + 0.114 * b
  }
}

/** Each colour taken from the brightest there is: 255 in bytes, 1 in floats. */
export function invert<A extends Pixels>(image: Image<A>): Image<A> {
  const most = image.data instanceof Uint8Array ? 255 : 1
  return mapColours(image, (colour) => most - colour)
}

/**
 * Brightness times `factor`: 0 is black, 1 the picture as it is.
 *
 * @throws InvalidArgumentError when `factor` is negative.
 */
export function adjustBrightness<A extends Pixels>(image: Image<A>, factor: number): Image<A> {
  return blended(image, factor, () => 0)
}

/**
 * Contrast times `factor`: 0 is the mean grey all over, 1 the picture as it is.
 *
 * @throws InvalidArgumentError when `factor` is negative.
 */
export function adjustContrast<A extends Pixels>(image: Image<A>, factor: number): Image<A> {
  const grey = greyOf(image)
  const pixels = image.width * image.height
  let sum = 0
  for (let pixel = 0; pixel < pixels; pixel++) sum += grey(pixel)
  const mean = sum / pixels
  const base = image.data instanceof Uint8Array ? Math.trunc(mean + 0.5) : mean
  return blended(image, factor, () => base)
}

/**
 * Saturation times `factor`: 0 is grey, 1 the picture as it is. Grey pictures stay as they are.
 *
 * @throws InvalidArgumentError when `factor` is negative.
 */
export function adjustSaturation<A extends Pixels>(image: Image<A>, factor: number): Image<A> {
  return blended(image, factor, greyOf(image))
}

/** `factor` parts of the picture, and the rest to 1 of what `other` gives for a pixel. */
function blended<A extends Pixels>(
  image: Image<A>,
  factor: number,
  other: (pixel: number) => number,
): Image<A> {
  if (!(factor >= 0 && factor < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError(`a factor is a number, 0 or more, not ${factor}`)
  }
  const { channels } = image
  const mix = image.data instanceof Uint8Array ? mixBytes : mixFloats
  let base = 0
  return mapColours(image, (colour, i) => {
    if (i % channels === 0) base = other(i / channels)
    return mix(base, colour, factor)
  })
}

/** Pillow's blend: in single precision, cut off to a byte. */
function mixBytes(a: number, b: number, factor: number): number {
  const mixed = Math.fround(a + Math.fround(Math.fround(factor) * (b - a)))
  return Math.min(255, Math.max(0, Math.trunc(mixed)))
}

function mixFloats(a: number, b: number, factor: number): number {
  return Math.min(1, Math.max(0, factor * b + (1 - factor) * a))
}

/** Each colour as `map` gives it, which is told its place too; alpha as it was. */
function mapColours<A extends Pixels>(
  image: Image<A>,
  map: (colour: number, place: number) => number,
): Image<A> {
  const { data, width, height, channels } = image
  const out = data.slice() as A
  const colours = coloursOf(image)
  for (let i = 0; i < out.length; i += channels) {
    for (let c = i; c < i + colours; c++) out[c] = map(out[c] as number, c)
  }
  return withData(image, out, width, height)
}
