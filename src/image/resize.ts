import { alphaApart } from './alpha.ts'
import { centerCrop, gather } from './geometry.ts'
import {
  blankLike,
  checkPixels,
  checkSize,
  type Image,
  type Pixels,
  type Size,
  withData,
} from './image.ts'
import { resample } from './kernel.ts'
import { resampleFloats, type ResizePlan } from './resample.ts'
import { nearestPlaces, type ResizeMethod, tapsOf } from './taps.ts'

/** How a picture is resized. */
export interface ResizeOptions {
  /** Default `'bilinear'`. */
  readonly method?: ResizeMethod
  /**
   * Whether each pixel of a smaller picture is made of all pixels that it stands for, as in Pillow and with torchvision's
   * `antialias=True`. Without it (`'bilinear'` and `'bicubic'` alone) four, or 16, of them are looked at. Default true.
   */
  readonly antialias?: boolean
}

/**
 * A picture of another size, whatever its shape. Bytes are Pillow's to the last bit: two passes, each rounded to bytes,
 * with alpha multiplied in meanwhile. Floats are not rounded, nor kept within 0 to 1.
 *
 * @throws InvalidArgumentError when a side is not a whole number of pixels, or the method does not go without antialiasing.
 */
export function resize<A extends Pixels>(
  image: Image<A>,
  size: Size,
  options: ResizeOptions = {},
): Image<A> {
  checkSize(size)
  const { method = 'bilinear', antialias = true } = options
  if (size.width === image.width && size.height === image.height) return image
  if (method === 'nearest') return nearest(image, size)
  const plan = planOf(image, size, method, antialias)
  return alphaApart(image, (apart) => {
    return withData(apart, resampled(apart, plan, antialias), size.width, size.height)
  })
}

/**
 * Brings the shorter side to `size` pixels and keeps the shape; the longer side is rounded down, as torchvision does.
 *
 * @throws InvalidArgumentError as `resize` does.
 */
export function resizeShorter<A extends Pixels>(
  image: Image<A>,
  size: number,
  options?: ResizeOptions,
): Image<A> {
  checkPixels('size', size)
  return resize(image, shorterSize(image, size), options)
}

/** The size of a picture of which the shorter side was brought to `size`. */
export function shorterSize({ width, height }: Size, size: number): Size {
  return width <= height
    ? { width: size, height: Math.trunc((size * height) / width) }
    : { width: Math.trunc((size * width) / height), height: size }
}

/** The middle square of a picture, `size` pixels wide: its shorter side resized, the longer one cut. */
export function square<A extends Pixels>(
  image: Image<A>,
  size: number,
  options?: ResizeOptions,
): Image<A> {
  return centerCrop(resizeShorter(image, size, options), { width: size, height: size })
}

function nearest<A extends Pixels>(image: Image<A>, size: Size): Image<A> {
  const out = blankLike(image, size)
  gather(
    image,
    out,
    nearestPlaces(image.width, size.width),
    nearestPlaces(image.height, size.height),
  )
  return out
}

/** How a picture is brought to `size`. */
export function planOf(
  image: Size,
  size: Size,
  method: Exclude<ResizeMethod, 'nearest'>,
  antialias: boolean,
): ResizePlan {
  const along = (from: number, to: number) =>
    from === to ? undefined : tapsOf(from, to, method, antialias)
  return { across: along(image.width, size.width), down: along(image.height, size.height) }
}

function resampled<A extends Pixels>(image: Image<A>, plan: ResizePlan, antialias: boolean): A {
  const { data } = image
  if (data instanceof Float32Array) return resampleFloats({ ...image, data }, plan) as A
  if (antialias) return resample({ ...image, data }, plan) as A
  // torchvision computes these in floats and rounds once.
  return Uint8Array.from(new Uint8ClampedArray(resampleFloats(image, plan))) as A
}
