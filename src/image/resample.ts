/** The two passes of a resize, in plain TypeScript: along rows and along columns. */
import type { Image, Pixels, Size } from './image.ts'
import { type Taps, weightBits, wholeWeights } from './taps.ts'

/** The taps of both sides; undefined where a side keeps its length. */
export interface ResizePlan {
  readonly across?: Taps | undefined
  readonly down?: Taps | undefined
}

const half = 2 ** (weightBits - 1)

/**
 * Whether columns come before rows. Bytes are rounded after each pass, so the order shows; this is the rule that Pillow 13
 * follows: where many more rows than columns are lost.
 */
export function columnsFirst({ width, height }: Size, size: Size): boolean {
  return height - size.height > 2 * Math.max(0, width - size.width)
}

/** Resizes bytes as Pillow does: rounded to bytes after each pass. */
export function resampleBytes(image: Image, { across, down }: ResizePlan): Uint8Array {
  const { width, height, channels } = image
  const wide = across?.starts.length ?? width
  const high = down?.starts.length ?? height
  if (down !== undefined && columnsFirst(image, { width: wide, height: high })) {
    const data = bytesDown(image.data, width * channels, down)
    return across === undefined ? data : bytesAcross({ ...image, data, height: high }, across)
  }
  const data = across === undefined ? image.data : bytesAcross(image, across)
  return down === undefined ? data : bytesDown(data, wide * channels, down)
}

function bytesAcross(image: Image, taps: Taps): Uint8Array {
  const { data, width, height, channels } = image
  const { starts, counts, most } = taps
  const weights = wholeWeights(taps)
  const out = new Uint8Array(starts.length * height * channels)
  let o = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < starts.length; x++) {
      // Reads within bounds, here and below: the assertions keep the loops free of checks.
      const start = (y * width + (starts[x] as number)) * channels
      const count = counts[x] as number
      for (let c = 0; c < channels; c++) {
        let sum = half
        for (let k = 0; k < count; k++) {
          const pixel = data[start + c + k * channels] as number
          sum = (sum + Math.imul(pixel, weights[x * most + k] as number)) | 0
        }
        out[o++] = byteOf(sum)
      }
    }
  }
  return out
}

function bytesDown(data: Uint8Array, stride: number, taps: Taps): Uint8Array {
  const { starts, counts, most } = taps
  const weights = wholeWeights(taps)
  const out = new Uint8Array(starts.length * stride)
  let o = 0
  for (let y = 0; y < starts.length; y++) {
    const start = (starts[y] as number) * stride
    const count = counts[y] as number
    for (let x = 0; x < stride; x++) {
      let sum = half
      for (let k = 0; k < count; k++) {
        const pixel = data[start + x + k * stride] as number
        sum = (sum + Math.imul(pixel, weights[y * most + k] as number)) | 0
      }
      out[o++] = byteOf(sum)
    }
  }
  return out
}

function byteOf(sum: number): number {
  const value = sum >> weightBits
  return value < 0 ? 0 : value > 255 ? 255 : value
}

/** Resizes in floats, rounded to single precision after each pass. */
export function resampleFloats(image: Image<Pixels>, { across, down }: ResizePlan): Float32Array {
  const { width, height, channels } = image
  const rows =
    across === undefined
      ? Float32Array.from(image.data)
      : floatsAlong(image.data, across, {
          lines: height,
          from: width,
          step: channels,
          wide: channels,
        })
  if (down === undefined) return rows
  const stride = (across === undefined ? width : across.starts.length) * channels
  return floatsAlong(rows, down, { lines: 1, from: height, step: stride, wide: stride })
}

/** Lines of `from` groups of numbers, each group `wide` numbers that lie `step` apart from the next group's. */
interface Lines {
  readonly lines: number
  readonly from: number
  readonly step: number
  readonly wide: number
}

function floatsAlong(
  data: Pixels,
  { starts, counts, weights, most }: Taps,
  { lines, from, step, wide }: Lines,
): Float32Array {
  const out = new Float32Array(lines * starts.length * wide)
  let o = 0
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < starts.length; i++) {
      const start = (line * from + (starts[i] as number)) * step
      for (let c = 0; c < wide; c++) {
        let sum = 0
        for (let k = 0; k < (counts[i] as number); k++) {
          sum += (data[start + c + k * step] as number) * (weights[i * most + k] as number)
        }
        out[o++] = sum
      }
    }
  }
  return out
}
