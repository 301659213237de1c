import { InvalidArgumentError } from '../errors/index.ts'

/** Numbers of pixels: bytes, 0 to 255, or floats, 0 to 1 unless they were normalized. */
export type Pixels = Uint8Array | Float32Array

/** A picture: row by row, the channels of a pixel next to each other. */
export interface Image<A extends Pixels = Uint8Array> {
  /** `height * width * channels` numbers. */
  readonly data: A
  readonly width: number
  readonly height: number
  /** 1 is grey, 3 is RGB, 4 is RGB and alpha, which is not multiplied into the colours. */
  readonly channels: number
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** A black picture of the same kind of numbers and as many channels. */
export function blankLike<A extends Pixels>(image: Image<A>, { width, height }: Size): Image<A> {
  return withData(image, blankPixels(image.data, width * height * image.channels), width, height)
}

/** `length` zeros of the kind that `like` holds. */
export function blankPixels<A extends Pixels>(like: A, length: number): A {
  const data: Pixels =
    like instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length)
  // The branch above chose the class of A, which TypeScript cannot see.
  return data as A
}

/** A picture of as many channels as `image` from `data`. */
export function withData<A extends Pixels>(
  { channels }: Image<Pixels>,
  data: A,
  width: number,
  height: number,
): Image<A> {
  return { data, width, height, channels }
}

/** Colours among the channels: all but alpha. */
export function coloursOf({ channels }: Image<Pixels>): number {
  return channels === 4 ? 3 : channels
}

/** @throws InvalidArgumentError unless both sides are whole numbers of pixels, 1 or more. */
export function checkSize({ width, height }: Size): void {
  checkPixels('width', width)
  checkPixels('height', height)
}

/** @throws InvalidArgumentError unless `value` is a whole number of pixels, `least` or more. */
export function checkPixels(name: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return
  throw new InvalidArgumentError(
    `${name} is a whole number of pixels, ${least} or more, not ${value}`,
  )
}

/** @throws InvalidArgumentError unless `value` is a whole number. */
export function checkWhole(name: string, value: number): void {
  if (Number.isInteger(value)) return
  throw new InvalidArgumentError(`${name} is a whole number, not ${value}`)
}

/** @throws InvalidArgumentError unless `value` is a number from `least` to `most`. */
export function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return
  throw new InvalidArgumentError(`${name} is a number from ${least} to ${most}, not ${value}`)
}
