export { adjustBrightness, adjustContrast, adjustSaturation, grayscale, invert } from './colour.ts'
export { decodeImage, type DecodeOptions } from './decode.ts'
export {
  type Box,
  centerCrop,
  crop,
  flipHorizontal,
  flipVertical,
  pad,
  type PadOptions,
  rotate90,
} from './geometry.ts'
export { adjustHue } from './hue.ts'
export type { Image, Pixels, Size } from './image.ts'
export {
  cutmix,
  type CutmixOptions,
  type LabeledImages,
  type MixedImages,
  mixup,
  type MixOptions,
} from './mix.ts'
export { imagenet, type Norm, normalize, toFloat, toTensor, toUint8 } from './numbers.ts'
export type { TensorOptions } from './numbers.ts'
export {
  colorJitter,
  type ColorJitterOptions,
  randomCrop,
  randomFlip,
  randomResizedCrop,
  type RandomResizedCropOptions,
} from './random.ts'
export { resize, type ResizeOptions, resizeShorter } from './resize.ts'
export { rotate, type RotateOptions } from './rotate.ts'
export { encodePng } from './sharp.ts'
export type { ResizeMethod } from './taps.ts'
