/**
 * Mixes the pictures of a batch, and their labels with them: each with the picture before it, the first with the last,
 * by one share for the whole batch, as torchvision's `MixUp` and `CutMix` do.
 */
import { InvalidArgumentError } from '../errors/index.ts'
import { type NumericArray, type Shape, Tensor } from '../tensor/index.ts'
import { betaSample } from './beta.ts'
import { blankPixels, type Pixels } from './image.ts'

/** Pictures and what they show. */
export interface LabeledImages<A extends Pixels, S extends Shape> {
  /** `[n, height, width, channels]`, or `[n, channels, height, width]` with `layout: 'CHW'`. */
  readonly images: Tensor<A, S>
  /** A class number for each picture, or `[n, classes]` with a share for each class. */
  readonly labels: NumericArray | Tensor
}

/** Mixed pictures, and shares of the classes that they show. */
export interface MixedImages<A extends Pixels, S extends Shape> {
  readonly images: Tensor<A, S>
  /** `[n, classes]`; the shares of a picture add up to 1. */
  readonly labels: Tensor<Float32Array, readonly [number, number]>
}

/** How pictures are mixed. */
export interface MixOptions {
  /** Number of classes; needed where labels are class numbers. */
  readonly classes?: number
  /**
   * The share of each picture itself is drawn from the Beta distribution (alpha, alpha): near 0 or 1 where alpha is small,
   * anything alike where it is 1. Default 1.
   */
  readonly alpha?: number
}

/** How parts of pictures are exchanged. */
export interface CutmixOptions extends MixOptions {
  /** The order of the batch's numbers. Default `'HWC'`. */
  readonly layout?: 'HWC' | 'CHW'
}

/**
 * Lays pictures over each other (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization").
 *
 * @throws InvalidArgumentError when labels do not fit the pictures or the classes, or alpha is not above 0.
 */
export function mixup<A extends Pixels, S extends Shape>(
  batch: LabeledImages<A, S>,
  random: () => number,
  options: MixOptions = {},
): MixedImages<A, S> {
  const labels = sharesOf(batch, options)
  const share = betaSample(options.alpha ?? 1, random)
  const { data, shape } = batch.images
  const out = blankPixels(data, data.length)
  const length = data.length / shape[0]
  // Bytes are rounded, floats are not.
  const half = out instanceof Uint8Array ? 0.5 : 0
  for (let i = 0; i < data.length; i++) {
    const other = data[i < length ? i + data.length - length : i - length] as number
    out[i] = share * (data[i] as number) + (1 - share) * other + half
  }
  return { images: new Tensor(out, shape), labels: mixedLabels(labels, share) }
}

/**
 * Puts a part of each picture's neighbour in its place (Yun et al. 2019, "CutMix"). The part has the same place in all
 * pictures of the batch, and labels count pixels.
 *
 * @throws InvalidArgumentError when pictures are not a batch of rank 4, labels do not fit them, or alpha is not above 0.
 */
export function cutmix<A extends Pixels, S extends Shape>(
  batch: LabeledImages<A, S>,
  random: () => number,
  options: CutmixOptions = {},
): MixedImages<A, S> {
  const { shape } = batch.images
  const labels = sharesOf(batch, options)
  if (shape.length !== 4) {
    throw new InvalidArgumentError(`a batch of pictures has 4 dimensions, not ${shape.length}`)
  }
  const side = options.layout === 'CHW' ? 2 : 1
  const [height, width] = [shape[side] as number, shape[side + 1] as number]
  const cut = Math.sqrt(1 - betaSample(options.alpha ?? 1, random))
  const [left, right] = spanOf(random(), width, cut)
  const [top, bottom] = spanOf(random(), height, cut)
  const images = new Tensor(batch.images.data.slice() as A, shape)
  const rows = { top, bottom, left, right, height, width }
  for (let i = 0; i < shape[0]; i++) exchange(batch.images, images, i, rows, side)
  const share = 1 - ((right - left) * (bottom - top)) / (width * height)
  return { images, labels: mixedLabels(labels, share) }
}

/** A part of a side around a place by chance, cut off at the ends. */
function spanOf(unit: number, side: number, cut: number): readonly [number, number] {
  const middle = Math.floor(unit * side)
  const half = Math.trunc((cut * side) / 2)
  return [Math.max(0, middle - half), Math.min(side, middle + half)]
}

interface Part {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
  readonly height: number
  readonly width: number
}

/** Copies the part from the picture before number `i` of `from` to number `i` of `to`. */
function exchange(
  from: Tensor<Pixels>,
  to: Tensor<Pixels>,
  i: number,
  part: Part,
  side: number,
): void {
  const [n, ...rest] = from.shape
  const length = rest.reduce((a, b) => a * b, 1)
  const planes = side === 2 ? rest[0] : 1
  const channels = length / (planes * part.width * part.height)
  const other = (i + n - 1) % n
  for (let plane = 0; plane < planes; plane++) {
    for (let y = part.top; y < part.bottom; y++) {
      const row = (plane * part.height + y) * part.width
      const [first, last] = [(row + part.left) * channels, (row + part.right) * channels]
      const pixels = from.data.subarray(other * length + first, other * length + last)
      to.data.set(pixels, i * length + first)
    }
  }
}

type Shares = Tensor<Float32Array, readonly [number, number]>

/** Labels as shares of classes. */
function sharesOf(
  { images, labels }: LabeledImages<Pixels, Shape>,
  { classes }: MixOptions,
): Shares {
  const n = images.shape[0]
  const count = labels instanceof Tensor ? labels.shape[0] : labels.length
  if (count !== n) throw new InvalidArgumentError(`${n} pictures have ${n} labels, not ${count}`)
  if (labels instanceof Tensor) {
    return new Tensor(Float32Array.from(labels.data), [n, labels.data.length / n])
  }
  if (classes === undefined) {
    throw new InvalidArgumentError('labels that are class numbers need the option classes')
  }
  const shares = new Float32Array(n * classes)
  labels.forEach((label, i) => {
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new InvalidArgumentError(
        `a label is a class number from 0 to ${classes - 1}, not ${label}`,
      )
    }
    shares[i * classes + label] = 1
  })
  return new Tensor(shares, [n, classes])
}

function mixedLabels({ data, shape }: Shares, share: number): Shares {
  const out = new Float32Array(data.length)
  const classes = shape[1]
  for (let i = 0; i < data.length; i++) {
    const other = data[i < classes ? i + data.length - classes : i - classes] as number
    out[i] = share * (data[i] as number) + (1 - share) * other
  }
  return new Tensor(out, shape)
}
