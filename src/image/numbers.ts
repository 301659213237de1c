/** Pixels as bytes, as floats, as tensors. */
import { InvalidArgumentError } from '../errors/index.ts'
import { Tensor } from '../tensor/index.ts'
import { type Image, type Pixels, withData } from './image.ts'

/** Bytes as floats from 0 to 1. A picture of floats stays as it is. */
export function toFloat(image: Image<Pixels>): Image<Float32Array> {
  const { data, width, height } = image
  if (data instanceof Float32Array) return withData(image, data, width, height)
  return withData(image, scaled(data, [1 / 255], [0]), width, height)
}

/** Floats from 0 to 1 as bytes, as torchvision rounds them: 256 steps of equal width. A picture of bytes stays as it is. */
export function toUint8(image: Image<Pixels>): Image {
  const { data, width, height } = image
  if (data instanceof Uint8Array) return withData(image, data, width, height)
  const out = new Uint8Array(data.length)
  for (let i = 0; i < data.length; i++) {
    out[i] = Math.min(255, Math.max(0, Math.trunc((data[i] as number) * 255.999)))
  }
  return withData(image, out, width, height)
}

/** What is usual in a set of pictures, for each channel or for all, in colours from 0 to 1. */
export interface Norm {
  readonly mean: number | readonly number[]
  readonly std: number | readonly number[]
}

/** Mean and deviation of ImageNet's pictures, which pretrained models expect. */
export const imagenet: Norm = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/**
 * Floats as models take them: `(colour - mean) / std`, of colours from 0 to 1 (bytes are divided by 255).
 *
 * @throws InvalidArgumentError when there is not one mean and deviation for each channel, or a deviation is 0.
 */
export function normalize(image: Image<Pixels>, norm: Norm): Image<Float32Array> {
  const { data, width, height, channels } = image
  const mean = perChannel('mean', norm.mean, channels)
  const std = perChannel('std', norm.std, channels)
  if (std.includes(0)) throw new InvalidArgumentError('std is not 0 in any channel')
  const unit = data instanceof Uint8Array ? 255 : 1
  const factors = std.map((s) => 1 / (unit * s))
  const offsets = mean.map((m, c) => -m / (std[c] as number))
  return withData(image, scaled(data, factors, offsets), width, height)
}

function perChannel(
  name: string,
  value: number | readonly number[],
  channels: number,
): readonly number[] {
  if (typeof value === 'number') return new Array<number>(channels).fill(value)
  if (value.length === channels) return value
  throw new InvalidArgumentError(
    `${name} has one number for each of the ${channels} channels, not ${value.length}`,
  )
}

/** Each number times its channel's factor, plus its channel's offset. */
function scaled(
  data: Pixels,
  factors: readonly number[],
  offsets: readonly number[],
): Float32Array {
  if (data instanceof Uint8Array) return lookedUp(data, factors, offsets)
  const out = new Float32Array(data.length)
  const step = factors.length
  for (let c = 0; c < step; c++) {
    const [factor, offset] = [factors[c] as number, offsets[c] as number]
    for (let i = c; i < out.length; i += step) out[i] = (data[i] as number) * factor + offset
  }
  return out
}

/** A byte has 256 values: what becomes of each is computed once. */
function lookedUp(
  data: Uint8Array,
  factors: readonly number[],
  offsets: readonly number[],
): Float32Array {
  const step = factors.length
  const table = new Float32Array(step * 256)
  factors.forEach((factor, c) => {
    const offset = offsets[c] as number
    for (let value = 0; value < 256; value++) table[c * 256 + value] = value * factor + offset
  })
  const out = new Float32Array(data.length)
  // Reads within bounds: the assertions keep the loops free of checks.
  if (step !== 3) {
    for (let i = 0; i < out.length; i++) {
      out[i] = table[(i % step) * 256 + (data[i] as number)] as number
    }
    return out
  }
  for (let i = 0; i < out.length; i += 3) {
    out[i] = table[data[i] as number] as number
    out[i + 1] = table[256 + (data[i + 1] as number)] as number
    out[i + 2] = table[512 + (data[i + 2] as number)] as number
  }
  return out
}

/** The order of a tensor's numbers. */
export interface TensorOptions {
  /**
   * `'HWC'`: row, column, channel, as TensorFlow has it and pictures are held. `'CHW'`: channel, row, column, as
   * PyTorch has it. Default `'HWC'`.
   */
  readonly layout?: 'HWC' | 'CHW'
}

/** The pixels as a tensor of the same numbers, which `batch` stacks. With `'HWC'` it shares the picture's memory. */
export function toTensor<A extends Pixels>(
  { data, width, height, channels }: Image<A>,
  { layout = 'HWC' }: TensorOptions = {},
): Tensor<A, readonly [number, number, number]> {
  if (layout === 'HWC') return new Tensor(data, [height, width, channels])
  const out = data.slice() as A
  const plane = width * height
  for (let c = 0, o = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) out[o++] = data[i * channels + c] as number
  }
  return new Tensor(out, [channels, height, width])
}
