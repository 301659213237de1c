import { InvalidArgumentError } from '../errors/index.ts'
import type { Photo } from './photo.ts'

/** What chance may do to a photo. */
export interface AugmentOptions {
  /** Mirror every second photo left to right. Default true. */
  readonly mirror?: boolean
  /** Shift by up to this many pixels each way; what is laid open mirrors the edge. Default 4. */
  readonly shift?: number
}

/**
 * A new photo, mirrored or not and shifted at random. `random` gives numbers in `[0, 1)`; three are
 * drawn in any case, so with the stage's `local.random` a photo looks the same whatever the options
 * of other photos and the number of workers.
 *
 * ```ts
 * ds.map((photo, local) => augmentPhoto(photo, () => local.random()))
 * ```
 *
 * @throws InvalidArgumentError when `shift` is negative or not smaller than the photo.
 */
export function augmentPhoto(
  photo: Photo,
  random: () => number,
  options: AugmentOptions = {},
): Photo {
  const { mirror = true, shift = 4 } = options
  const { data, width, height } = photo
  if (!Number.isInteger(shift) || shift < 0 || shift >= Math.min(width, height)) {
    throw new InvalidArgumentError(
      `shift must be a whole number from 0 to the photo's side less one, not ${shift}`,
    )
  }
  const flip = random() < 0.5 && mirror
  const dx = Math.floor(random() * (2 * shift + 1)) - shift
  const dy = Math.floor(random() * (2 * shift + 1)) - shift
  const out = new Uint8Array(data.length)
  movePixels(data, out, { width, height, dx, dy, flip })
  return { data: out, width, height }
}

/** A move of a photo's pixels. */
interface Move {
  readonly width: number
  readonly height: number
  /** The pixel at x comes from x + dx of the (mirrored) photo, edges reflected. */
  readonly dx: number
  readonly dy: number
  readonly flip: boolean
}

/** Writes the moved pixels of `from` to `to`. */
function movePixels(from: Uint8Array, to: Uint8Array, move: Move): void {
  const { width, height, dx, dy, flip } = move
  const columns = new Int32Array(width)
  for (let x = 0; x < width; x++) {
    const column = reflect(x + dx, width)
    columns[x] = 3 * (flip ? width - 1 - column : column)
  }
  let o = 0
  for (let y = 0; y < height; y++) {
    const row = 3 * width * reflect(y + dy, height)
    for (let x = 0; x < width; x++) {
      // Typed-array reads within bounds: the assertions keep the loop free of checks.
      const i = row + (columns[x] as number)
      to[o] = from[i] as number
      to[o + 1] = from[i + 1] as number
      to[o + 2] = from[i + 2] as number
      o += 3
    }
  }
}

/** Position `i` of a row of `n` that goes on as its mirror image at both ends, edges not repeated. */
function reflect(i: number, n: number): number {
  if (i < 0) return -i
  return i < n ? i : 2 * n - 2 - i
}
