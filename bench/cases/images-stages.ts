/** What becomes of a file: decoded, 224 x 224, every second one mirrored, normalized. */
import { stage } from 'millstream'
import {
  decodeImage,
  type DecodeOptions,
  flipHorizontal,
  type Image,
  imagenet,
  normalize,
  toTensor,
} from 'millstream/image'

export const side = 224
export const batchSize = 32

export interface ImageFile {
  readonly path: string
  readonly index: number
}

/** Every second picture mirrored, all as floats. */
export function prepared(image: Image, index: number) {
  return toTensor(normalize(index % 2 === 1 ? flipHorizontal(image) : image, imagenet))
}

export const load = stage(
  import.meta,
  async ({ path, index }: ImageFile, _local, { decode }: Pick<Required<DecodeOptions>, 'decode'>) =>
    prepared(await decodeImage(path, { size: side, decode }), index),
)
