import { readFileSync } from 'node:fs'
import { stage } from 'millstream/stage'
import { decodeImage, pad, randomCrop, randomFlip, type Image } from 'millstream/image'
import type { PhotoFile } from './photos.ts'

/** A photo as the model sees it: `size * size * 3` bytes, RGB, row by row. */
export interface Pixels {
  readonly file: PhotoFile
  readonly data: Uint8Array
}

/** The side of the photos that the model sees. */
export interface Side {
  readonly size: number
}

/**
 * Reads a photo and brings it to the size of the model. Throws on files that are no photo. A worker has nothing else to do
 * while it waits for the disk, and reading a small file in the background costs ten times the processor time.
 */
export const load = stage(
  import.meta,
  async (file: PhotoFile, _local, { size }: Side): Promise<Pixels> => {
    const { data } = await decodeImage(readFileSync(file.path), { size })
    return { file, data }
  },
)

/** Mirrored and shifted by chance: what the seed makes of a photo does not depend on who prepares it. */
export const augment = stage(
  import.meta,
  ({ file, data }: Pixels, local, { size }: Side): { x: Uint8Array; y: number } => {
    const random = (): number => local.random()
    const photo: Image = { data, width: size, height: size, channels: 3 }
    const margin = { all: Math.round(size / 8), mode: 'reflect' } as const
    const shifted = randomCrop(pad(randomFlip(photo, random), margin), random, photo)
    return { x: shifted.data, y: file.label }
  },
)
