/**
 * Changes by chance. Each takes `random`, which gives numbers in `[0, 1)`, and draws the same number of them whatever
 * comes out. With the stage's own, `() => local.random()`, a picture looks the same at any number of threads and after a
 * resume.
 */
import { InvalidArgumentError } from '../errors/index.ts'
import { adjustBrightness, adjustContrast, adjustSaturation } from './colour.ts'
import { crop, flipHorizontal, type Box } from './geometry.ts'
import { adjustHue } from './hue.ts'
import { checkRange, checkSize, type Image, type Pixels, type Size } from './image.ts'
import { resize, type ResizeOptions } from './resize.ts'

/**
 * Mirrors left to right with `probability`, 0.5 by default. Draws one number.
 *
 * @throws InvalidArgumentError when `probability` is not from 0 to 1.
 */
export function randomFlip<A extends Pixels>(
  image: Image<A>,
  random: () => number,
  probability = 0.5,
): Image<A> {
  checkRange('probability', probability, 0, 1)
  return random() < probability ? flipHorizontal(image) : image
}

/**
 * A part of a picture, of `size`, anywhere in it. After `pad(image, { all: 4, mode: 'reflect' })` it shifts a picture by up
 * to 4 pixels each way. Draws two numbers.
 *
 * @throws InvalidArgumentError when the picture is smaller than `size`.
 */
export function randomCrop<A extends Pixels>(
  image: Image<A>,
  random: () => number,
  size: Size,
): Image<A> {
  checkSize(size)
  const { width, height } = size
  if (width > image.width || height > image.height) {
    throw new InvalidArgumentError(
      `a part of ${width} x ${height} pixels does not fit into ${image.width} x ${image.height}; pad the picture first`,
    )
  }
  const left = Math.floor(random() * (image.width - width + 1))
  const top = Math.floor(random() * (image.height - height + 1))
  return crop(image, { left, top, width, height })
}

/** What `randomResizedCrop` makes, and of what. */
export interface RandomResizedCropOptions extends Size, ResizeOptions {
  /** The part's area, as shares of the picture's. Default `[0.08, 1]`. */
  readonly scale?: readonly [number, number]
  /** The part's width over its height. Default `[3 / 4, 4 / 3]`. */
  readonly ratio?: readonly [number, number]
}

/** After so many parts that did not fit, the middle is taken. */
const attempts = 10

/**
 * A part of a picture, of an area and a shape by chance, resized to `width` and `height`: how classifiers of ImageNet are
 * trained (Inception crop), by torchvision's rule. Where no part fits, the largest one of an allowed shape in the middle is
 * taken. Draws 40 numbers.
 *
 * @throws InvalidArgumentError when a range is empty or not positive, or as `resize` does.
 */
export function randomResizedCrop<A extends Pixels>(
  image: Image<A>,
  random: () => number,
  options: RandomResizedCropOptions,
): Image<A> {
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options
  checkSpan('scale', scale)
  checkSpan('ratio', ratio)
  let box: Box | undefined
  for (let k = 0; k < attempts; k++) {
    const area = image.width * image.height * between(random(), scale)
    const shape = Math.exp(between(random(), [Math.log(ratio[0]), Math.log(ratio[1])]))
    const width = Math.round(Math.sqrt(area * shape))
    const height = Math.round(Math.sqrt(area / shape))
    const [x, y] = [random(), random()]
    const fits = width > 0 && height > 0 && width <= image.width && height <= image.height
    if (box !== undefined || !fits) continue
    const left = Math.floor(x * (image.width - width + 1))
    const top = Math.floor(y * (image.height - height + 1))
    box = { left, top, width, height }
  }
  return resize(crop(image, box ?? middle(image, ratio)), options, options)
}

function between(unit: number, [least, most]: readonly [number, number]): number {
  return least + unit * (most - least)
}

function checkSpan(name: string, [least, most]: readonly [number, number]): void {
  if (least > 0 && least <= most && Number.isFinite(most)) return
  throw new InvalidArgumentError(
    `${name} is two numbers above 0, the smaller one first, not ${least} and ${most}`,
  )
}

/** The largest box in the middle with a shape within `ratio`. */
function middle({ width, height }: Size, [least, most]: readonly [number, number]): Box {
  const shape = Math.min(most, Math.max(least, width / height))
  const size =
    width / height > shape
      ? { width: Math.max(1, Math.round(height * shape)), height }
      : { width, height: Math.max(1, Math.round(width / shape)) }
  const left = Math.floor((width - size.width) / 2)
  const top = Math.floor((height - size.height) / 2)
  return { left, top, ...size }
}

/** How far chance may change colours. */
export interface ColorJitterOptions {
  /** Brightness is multiplied by up to this much more or less than 1. Default 0. */
  readonly brightness?: number
  /** The same of contrast. Default 0. */
  readonly contrast?: number
  /** The same of saturation. Default 0. */
  readonly saturation?: number
  /** The colour circle is turned by up to so many turns either way, at most 0.5. Default 0. */
  readonly hue?: number
}

/**
 * Changes brightness, contrast, saturation and hue by chance and in an order by chance, as torchvision's `ColorJitter`.
 * Draws eight numbers.
 *
 * @throws InvalidArgumentError when a range is negative or `hue` is above 0.5.
 */
export function colorJitter<A extends Pixels>(
  image: Image<A>,
  random: () => number,
  options: ColorJitterOptions,
): Image<A> {
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options
  for (const [name, range] of Object.entries({ brightness, contrast, saturation })) {
    checkRange(name, range, 0, Number.MAX_VALUE)
  }
  checkRange('hue', hue, 0, 0.5)
  const factor = (range: number): number => between(random(), [Math.max(0, 1 - range), 1 + range])
  const changes = [
    [brightness, adjustBrightness, factor(brightness)],
    [contrast, adjustContrast, factor(contrast)],
    [saturation, adjustSaturation, factor(saturation)],
    [hue, adjustHue, between(random(), [-hue, hue])],
  ] as const
  return changes
    .map((change) => ({ change, place: random() }))
    .sort((a, b) => a.place - b.place)
    .reduce((out, { change: [range, adjust, by] }) => (range === 0 ? out : adjust(out, by)), image)
}
