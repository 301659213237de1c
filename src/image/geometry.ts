/** Moves pixels without changing them. */
import { InvalidArgumentError } from '../errors/index.ts'
import {
  blankLike,
  checkPixels,
  checkSize,
  checkWhole,
  type Image,
  type Pixels,
  type Size,
} from './image.ts'

/** A rectangle of pixels. */
export interface Box extends Size {
  /** Pixels from the left edge; may be negative. */
  readonly left: number
  /** Pixels from the upper edge; may be negative. */
  readonly top: number
}

/**
 * The part of a picture within `box`. What lies outside the picture is black (and transparent), as in Pillow.
 *
 * @throws InvalidArgumentError when a number of the box is not whole, or a side is less than 1.
 */
export function crop<A extends Pixels>(image: Image<A>, box: Box): Image<A> {
  checkSize(box)
  checkWhole('left', box.left)
  checkWhole('top', box.top)
  const out = blankLike(image, box)
  paste(image, out, { left: -box.left, top: -box.top })
  return out
}

/**
 * The middle of a picture. An odd number of pixels to leave out is halved to the even side, as torchvision does.
 * What lies outside the picture is black.
 *
 * @throws InvalidArgumentError when a side is not a whole number, or less than 1.
 */
export function centerCrop<A extends Pixels>(image: Image<A>, size: Size): Image<A> {
  const { width, height } = size
  if (width === image.width && height === image.height) return image
  const left = roundHalfEven((image.width - width) / 2)
  const top = roundHalfEven((image.height - height) / 2)
  return crop(image, { left, top, width, height })
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  if (x - below !== 0.5) return Math.round(x)
  return below % 2 === 0 ? below : below + 1
}

/** What is laid around a picture. */
export interface PadOptions {
  /** Pixels on all sides that are not named. Default 0. */
  readonly all?: number
  readonly left?: number
  readonly top?: number
  readonly right?: number
  readonly bottom?: number
  /**
   * `'constant'` lays `fill` around the picture; `'reflect'` goes on as its mirror image, the edge not repeated.
   * Default `'constant'`.
   */
  readonly mode?: 'constant' | 'reflect'
  /** The colour, as a number for all channels or one for each; in the numbers of the picture. Default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * A picture with a margin.
 *
 * @throws InvalidArgumentError when a margin is negative or not whole, `fill` has not one number for each channel, or
 * a margin that reflects is not smaller than the picture.
 */
export function pad<A extends Pixels>(image: Image<A>, options: PadOptions): Image<A> {
  const { all = 0, mode = 'constant', fill = 0 } = options
  const { left = all, top = all, right = all, bottom = all } = options
  for (const [name, margin] of Object.entries({ left, top, right, bottom })) {
    checkPixels(name, margin, 0)
  }
  const { width, height } = image
  const out = blankLike(image, { width: width + left + right, height: height + top + bottom })
  if (mode === 'constant') {
    fillWith(out, fill)
    paste(image, out, { left, top })
    return out
  }
  if (Math.max(left, right) >= width || Math.max(top, bottom) >= height) {
    throw new InvalidArgumentError(
      `a margin that reflects is smaller than the picture, which has ${width} x ${height} pixels`,
    )
  }
  const columns = Int32Array.from({ length: out.width }, (_, x) => reflect(x - left, width))
  const rows = Int32Array.from({ length: out.height }, (_, y) => reflect(y - top, height))
  gather(image, out, columns, rows)
  return out
}

/** Position `i` of a row of `n` that goes on as its mirror image at both ends, edges not repeated. */
function reflect(i: number, n: number): number {
  if (i < 0) return -i
  return i < n ? i : 2 * n - 2 - i
}

/** Paints all pixels in one colour. */
export function fillWith(image: Image<Pixels>, fill: number | readonly number[]): void {
  const { data, channels } = image
  if (typeof fill === 'number') {
    data.fill(fill)
    return
  }
  if (fill.length !== channels) {
    throw new InvalidArgumentError(
      `a colour has one number for each of the ${channels} channels, not ${fill.length}`,
    )
  }
  data.set(fill)
  // Each copy doubles what is painted.
  for (let done = channels; done < data.length; done *= 2) {
    data.copyWithin(done, 0, Math.min(done, data.length - done))
  }
}

/** The picture as a mirror shows it: left is right. */
export function flipHorizontal<A extends Pixels>(image: Image<A>): Image<A> {
  const out = blankLike(image, image)
  gather(image, out, falling(image.width), rising(image.height))
  return out
}

/** The picture upside down, as water shows it. */
export function flipVertical<A extends Pixels>(image: Image<A>): Image<A> {
  const out = blankLike(image, image)
  const stride = image.width * image.channels
  for (let y = 0; y < image.height; y++) {
    const from = (image.height - 1 - y) * stride
    out.data.set(image.data.subarray(from, from + stride), y * stride)
  }
  return out
}

/** The picture with rows and columns exchanged. */
export function transpose<A extends Pixels>(image: Image<A>): Image<A> {
  const { width, height, channels, data } = image
  const out = blankLike(image, { width: height, height: width })
  let to = 0
  for (let x = 0; x < width; x++) {
    for (let from = x * channels; from < data.length; from += width * channels) {
      for (let c = 0; c < channels; c++) out.data[to++] = data[from + c] as number
    }
  }
  return out
}

/**
 * Turns by `turns` quarters, counter-clockwise as `numpy.rot90` and `tf.image.rot90` do; negative turns go clockwise.
 *
 * @throws InvalidArgumentError when `turns` is not whole.
 */
export function rotate90<A extends Pixels>(image: Image<A>, turns = 1): Image<A> {
  checkWhole('turns', turns)
  switch (((turns % 4) + 4) % 4) {
    case 1:
      return flipVertical(transpose(image))
    case 2:
      return flipVertical(flipHorizontal(image))
    case 3:
      return transpose(flipVertical(image))
    default:
      return image
  }
}

/** Copies all pixels of `from` that `to` has room for, the first one to `left`, `top`. */
function paste<A extends Pixels>(
  from: Image<A>,
  to: Image<A>,
  { left, top }: { readonly left: number; readonly top: number },
): void {
  const first = Math.max(0, left)
  const last = Math.min(to.width, left + from.width)
  if (first >= last) return
  const { channels } = from
  for (let y = Math.max(0, top); y < Math.min(to.height, top + from.height); y++) {
    const start = ((y - top) * from.width + first - left) * channels
    const row = from.data.subarray(start, start + (last - first) * channels)
    to.data.set(row, (y * to.width + first) * channels)
  }
}

/** Writes to each pixel of `to` that of `from` at the column and row listed for it. */
export function gather(
  from: Image<Pixels>,
  to: Image<Pixels>,
  columns: Int32Array,
  rows: Int32Array,
): void {
  const { channels } = from
  const [source, target] = [from.data, to.data]
  let o = 0
  for (const row of rows) {
    const start = row * from.width
    for (let x = 0; x < columns.length; x++) {
      // Reads within bounds: the assertions keep the loop free of checks.
      const i = (start + (columns[x] as number)) * channels
      if (channels === 3) {
        target[o] = source[i] as number
        target[o + 1] = source[i + 1] as number
        target[o + 2] = source[i + 2] as number
        o += 3
      } else {
        for (let c = 0; c < channels; c++) target[o++] = source[i + c] as number
      }
    }
  }
}

const rising = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i)
const falling = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => n - 1 - i)

/** Makes a picture upright that was stored as EXIF's orientation tag says; 1 and unknown values change nothing. */
export function upright<A extends Pixels>(image: Image<A>, orientation: number): Image<A> {
  switch (orientation) {
    case 2:
      return flipHorizontal(image)
    case 3:
      return rotate90(image, 2)
    case 4:
      return flipVertical(image)
    case 5:
      return transpose(image)
    case 6:
      return rotate90(image, 3)
    case 7:
      return rotate90(transpose(image), 2)
    case 8:
      return rotate90(image, 1)
    default:
      return image
  }
}
