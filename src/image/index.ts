export { augmentPhoto, type AugmentOptions } from './augment.ts'
export { decodePhoto, encodePng, resizePhoto, type DecodeOptions } from './decode.ts'
export type { Photo } from './photo.ts'
