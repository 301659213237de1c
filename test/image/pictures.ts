import type { Image } from '../../src/image/index.ts'

/** A picture of bytes that repeat late. */
export function numbered(width: number, height: number, channels = 3): Image {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 251)
  return { data, width, height, channels }
}

/** The pixel at a place. */
export function pixelAt({ data, width, channels }: Image, x: number, y: number): number[] {
  const at = (y * width + x) * channels
  return [...data.subarray(at, at + channels)]
}

/** Gives the numbers one after the other, then 0. */
export function given(...numbers: number[]): () => number {
  return () => numbers.shift() ?? 0
}
