import { checkRange, type Image, type Pixels, withData } from './image.ts'
import { toFloat, toUint8 } from './numbers.ts'

/**
 * Turns the colour circle by `shift` turns, -0.5 to 0.5; 0 is the picture as it is. Grey pictures stay as they are.
 * As torchvision's `adjust_hue` of tensors: bytes go by way of floats.
 *
 * @throws InvalidArgumentError when `shift` is not from -0.5 to 0.5.
 */
export function adjustHue<A extends Pixels>(image: Image<A>, shift: number): Image<A> {
  checkRange('shift', shift, -0.5, 0.5)
  if (image.channels < 3) return image
  const turned = turnHue(toFloat(image), shift)
  // The class of A decides, which TypeScript cannot see.
  return (image.data instanceof Uint8Array ? toUint8(turned) : turned) as Image<A>
}

function turnHue(image: Image<Float32Array>, shift: number): Image<Float32Array> {
  const data = image.data.slice()
  for (let i = 0; i < data.length; i += image.channels) turnPixel(data, i, shift)
  return withData(image, data, image.width, image.height)
}

/** RGB to hue, saturation, value and back. */
function turnPixel(data: Float32Array, i: number, shift: number): void {
  const [r, g, b] = [data[i] as number, data[i + 1] as number, data[i + 2] as number]
  const value = Math.max(r, g, b)
  const range = value - Math.min(r, g, b)
  if (range === 0) return
  const saturation = range / value
  const sextant = hueOf(r, g, b, value, range) / 6 + 1 + shift
  const hue = (sextant - Math.floor(sextant)) * 6
  for (let c = 0; c < 3; c++) {
    // How far the channel is from its full value, around the circle.
    const place = (5 - 2 * c + hue) % 6
    const away = Math.max(0, Math.min(place, 4 - place, 1))
    data[i + c] = Math.min(1, Math.max(0, value * (1 - saturation * away)))
  }
}

/** The place on the circle, in sixths: red 0, green 2, blue 4. */
function hueOf(r: number, g: number, b: number, value: number, range: number): number {
  if (r === value) return (g - b) / range
  return g === value ? 2 + (b - r) / range : 4 + (r - g) / range
}
