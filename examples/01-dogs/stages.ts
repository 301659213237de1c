import { stage } from 'millstream'
import { decodeImage } from 'millstream/image'
import type { PhotoFile } from './photos.ts'

/** A file as it lies on the disk. */
export interface RawPhoto {
  readonly file: PhotoFile
  readonly bytes: Uint8Array
}

/** A photo as the model sees it: `size * size * 3` bytes, RGB, row by row. */
export interface Pixels {
  readonly file: PhotoFile
  readonly data: Uint8Array
}

/** Decodes a photo and brings it to the size of the model. Throws on files that are no photo. */
export const decode = stage(
  import.meta,
  async ({ file, bytes }: RawPhoto, _local, { size }: { size: number }): Promise<Pixels> => {
    const { data } = await decodeImage(bytes, { size })
    return { file, data }
  },
)
