import { InvalidArgumentError } from '../errors/index.ts'
import { alphaApart } from './alpha.ts'
import { fillWith, rotate90 } from './geometry.ts'
import { blankLike, type Image, type Pixels, type Size } from './image.ts'

/** How a picture is turned. */
export interface RotateOptions {
  /** Default `'bilinear'`. */
  readonly method?: 'nearest' | 'bilinear'
  /** Whether the picture grows so that nothing of it is cut off. Default false: it keeps its size. */
  readonly expand?: boolean
  /** The colour of what is laid open, as a number for all channels or one for each. Default 0. */
  readonly fill?: number | readonly number[]
}

/**
 * Turns a picture around its middle by any angle, in degrees, counter-clockwise, as Pillow and torchvision do. Quarter
 * turns that fit are exact.
 *
 * @throws InvalidArgumentError when the angle is not finite, or `fill` has not one number for each channel.
 */
export function rotate<A extends Pixels>(
  image: Image<A>,
  degrees: number,
  options: RotateOptions = {},
): Image<A> {
  if (!Number.isFinite(degrees)) {
    throw new InvalidArgumentError(`degrees is a finite number, not ${degrees}`)
  }
  const { method = 'bilinear', expand = false, fill = 0 } = options
  const quarters = degrees / 90
  const fits = expand || quarters % 2 === 0 || image.width === image.height
  if (Number.isInteger(quarters) && fits) return rotate90(image, quarters)
  return alphaApart(image, (apart) => {
    const turn = turnOf(degrees)
    const out = blankLike(apart, expand ? boundsOf(apart, turn) : apart)
    fillWith(out, fill)
    ;(method === 'nearest' ? turnNearest : turnBilinear)(apart, out, turn)
    return out
  })
}

interface Turn {
  readonly cos: number
  readonly sin: number
}

function turnOf(degrees: number): Turn {
  const angle = (-(((degrees % 360) + 360) % 360) * Math.PI) / 180
  // Pillow's rounding: without it a right angle is not quite one.
  const rounded = (x: number): number => Number(x.toFixed(15))
  return { cos: rounded(Math.cos(angle)), sin: rounded(Math.sin(angle)) }
}

/** The size that holds all corners. */
function boundsOf({ width, height }: Size, { cos, sin }: Turn): Size {
  const corners = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ] as const
  const xs = corners.map(([x, y]) => cos * (x - width / 2) + sin * (y - height / 2) + width / 2)
  const ys = corners.map(([x, y]) => -sin * (x - width / 2) + cos * (y - height / 2) + height / 2)
  const side = (places: number[]): number =>
    Math.ceil(Math.max(...places)) - Math.floor(Math.min(...places))
  return { width: side(xs), height: side(ys) }
}

/** Calls `at` with each pixel of `out` and the place in `image` that it shows. */
function eachPlace(
  image: Size,
  out: Size,
  { cos, sin }: Turn,
  at: (pixel: number, x: number, y: number) => void,
): void {
  let pixel = 0
  for (let row = 0; row < out.height; row++) {
    const dy = row + 0.5 - out.height / 2
    for (let column = 0; column < out.width; column++, pixel++) {
      const dx = column + 0.5 - out.width / 2
      at(pixel, cos * dx + sin * dy + image.width / 2, -sin * dx + cos * dy + image.height / 2)
    }
  }
}

function turnNearest(image: Image<Pixels>, out: Image<Pixels>, turn: Turn): void {
  const { width, height, channels, data } = image
  eachPlace(image, out, turn, (pixel, x, y) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return
    const from = (Math.floor(y) * width + Math.floor(x)) * channels
    for (let c = 0; c < channels; c++) out.data[pixel * channels + c] = data[from + c] as number
  })
}

function turnBilinear(image: Image<Pixels>, out: Image<Pixels>, turn: Turn): void {
  const { width, height, channels, data } = image
  eachPlace(image, out, turn, (pixel, x, y) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return
    const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)]
    const [right, down] = [x - 0.5 - left, y - 0.5 - top]
    const columns = [Math.max(0, left), Math.min(width - 1, left + 1)] as const
    const rows = [Math.max(0, top), Math.min(height - 1, top + 1)] as const
    for (let c = 0; c < channels; c++) {
      const value = (row: 0 | 1, column: 0 | 1): number =>
        data[(rows[row] * width + columns[column]) * channels + c] as number
      const upper = value(0, 0) + (value(0, 1) - value(0, 0)) * right
      const lower = value(1, 0) + (value(1, 1) - value(1, 0)) * right
      out.data[pixel * channels + c] = upper + (lower - upper) * down
    }
  })
}
