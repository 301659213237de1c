/** Golden cases of images: steps over a file, compared with the pixels that Pillow or torchvision computed. */
import { join } from 'node:path'
import * as im from '../../src/image/index.ts'
import { isRecord } from '../../src/tensor/index.ts'
import { readNpy } from './npy.ts'
import { failed, type Outcome, passed, skipped, Unsupported } from './outcome.ts'

interface ImageCase {
  readonly file: string
  readonly peer?: string
  readonly ops: readonly { readonly op: string; readonly args?: unknown }[]
  readonly expect: { readonly npy: string }
  readonly tolerance: { readonly max: number; readonly mean?: number }
}

type Picture = im.Image<im.Pixels>
type Step = (image: Picture, args: never) => Picture

const steps: Readonly<Record<string, Step>> = {
  resize: (image, args: im.Size & im.ResizeOptions) => im.resize(image, args, args),
  resizeShorter: (image, args: { size: number } & im.ResizeOptions) =>
    im.resizeShorter(image, args.size, args),
  centerCrop: (image, args: im.Size) => im.centerCrop(image, args),
  crop: (image, args: im.Box) => im.crop(image, args),
  flipHorizontal: (image) => im.flipHorizontal(image),
  flipVertical: (image) => im.flipVertical(image),
  rotate90: (image) => im.rotate90(image),
  pad: (image, { fill, ...sides }: im.PadOptions) =>
    im.pad(image, { ...sides, fill: ink(fill, image.channels) }),
  grayscale: (image) => im.grayscale(image),
  invert: (image) => im.invert(image),
  brightness: (image, { factor }: { factor: number }) => im.adjustBrightness(image, factor),
  contrast: (image, { factor }: { factor: number }) => im.adjustContrast(image, factor),
  saturation: (image, { factor }: { factor: number }) => im.adjustSaturation(image, factor),
  hue: (image, { factor }: { factor: number }) => im.adjustHue(image, factor),
  toFloat: (image) => im.toFloat(image),
  normalize: (image, norm: im.Norm) => im.normalize(image, norm),
  scale: (image, { by }: { by: number }) => ({
    ...image,
    data: Float32Array.from(image.data, (x) => x * by),
  }),
}

/** Pillow takes one number for a colour as its bytes, red lowest. */
function ink(fill: number | readonly number[] = 0, channels: number): readonly number[] {
  if (typeof fill !== 'number') return fill
  return Array.from({ length: channels }, (_, c) => (fill >> (8 * c)) & 255)
}

/** Runs one case of `images/*.json`. */
export async function runImageCase(
  testCase: unknown,
  _header: unknown,
  folder: string,
): Promise<Outcome> {
  const input = testCase as ImageCase
  try {
    const image = await imageOf(input, folder)
    const expected = readNpy(join(folder, input.expect.npy))
    const shape = [image.height, image.width, image.channels]
    if (String(shape) !== String(expected.shape)) return failed(expected.shape, shape)
    if (image.data.constructor !== expected.data.constructor) {
      return failed(expected.data.constructor.name, image.data.constructor.name)
    }
    return compare(expected.data, image.data, input.tolerance)
  } catch (error) {
    if (error instanceof Unsupported) return skipped(error.message)
    throw error
  }
}

async function imageOf({ file, peer, ops }: ImageCase, folder: string): Promise<Picture> {
  const [decode, ...rest] = ops
  if (decode?.op !== 'decode') throw new Unsupported(`a case that begins with ${decode?.op}`)
  const { orientation = true, mode } = isRecord(decode.args) ? decode.args : {}
  let image: Picture = await im.decodeImage(join(folder, file), {
    orientation: orientation === true,
    channels: channelsOf(mode),
  })
  for (const { op, args } of rest) {
    const step = steps[op]
    if (step === undefined) throw new Unsupported(`step ${op}`)
    image = peer === 'torchvision' ? asTorch(op, step, image, args) : step(image, args as never)
  }
  return image
}

/** torchvision resizes bytes in floats and rounds once, at the end. */
function asTorch(op: string, step: Step, image: Picture, args: unknown): Picture {
  if (op !== 'resize' || image.data instanceof Float32Array) return step(image, args as never)
  const data = Float32Array.from(image.data)
  const { data: floats, ...size } = step({ ...image, data }, args as never)
  return { ...size, data: Uint8Array.from(new Uint8ClampedArray(floats)) }
}

function channelsOf(mode: unknown): 1 | 3 | 4 {
  const channels = { L: 1, RGB: 3, RGBA: 4 } as const
  const known = Object.entries(channels).find(([name]) => name === (mode ?? 'RGB'))
  if (known === undefined) throw new Unsupported(`mode ${String(mode)}`)
  return known[1]
}

function compare(
  expected: im.Pixels,
  got: im.Pixels,
  { max, mean = Number.POSITIVE_INFINITY }: ImageCase['tolerance'],
): Outcome {
  let most = 0
  let sum = 0
  expected.forEach((value, i) => {
    const off = Math.abs(value - (got[i] ?? Number.NaN))
    // NaN is further than any number.
    most = off <= most ? most : off
    sum += off
  })
  if (most <= max && sum / expected.length <= mean) return passed
  return failed(`differences up to ${max}, ${mean} on average`, `${most}, ${sum / expected.length}`)
}
