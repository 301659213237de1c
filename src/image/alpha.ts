/** Alpha that is, or is not, multiplied into the colours. Arithmetic in bytes is Pillow's. */
import { type Image, type Pixels, withData } from './image.ts'

/** What `work` makes of a picture, with alpha multiplied in where there is alpha. */
export function alphaApart<A extends Pixels>(
  image: Image<A>,
  work: (image: Image<A>) => Image<A>,
): Image<A> {
  return image.channels === 4 ? unmultiplied(work(premultiplied(image))) : work(image)
}

/** Colours times alpha: what may be added up and blended. */
function premultiplied<A extends Pixels>(image: Image<A>): Image<A> {
  return mapColours(image, (colour, alpha, bytes) => {
    return bytes ? byteProduct(colour, alpha) : colour * alpha
  })
}

/** The colours of a premultiplied picture. */
function unmultiplied<A extends Pixels>(image: Image<A>): Image<A> {
  return mapColours(image, (colour, alpha, bytes) => {
    if (alpha === 0) return colour
    return bytes ? Math.min(255, Math.trunc((255 * colour) / alpha)) : colour / alpha
  })
}

/** A picture on a background of one colour: RGB of RGBA, others as they are. */
export function onBackground(image: Image, background: readonly number[]): Image {
  const { data, width, height, channels } = image
  if (channels !== 4) return image
  const out = new Uint8Array(width * height * 3)
  let o = 0
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] as number
    for (let c = 0; c < 3; c++) {
      const mixed = (data[i + c] as number) * alpha + (background[c] as number) * (255 - alpha)
      out[o++] = Math.round(mixed / 255)
    }
  }
  return { data: out, width, height, channels: 3 }
}

/** `a * b / 255`, rounded, of two bytes. */
export function byteProduct(a: number, b: number): number {
  const product = a * b + 128
  return ((product >> 8) + product) >> 8
}

function mapColours<A extends Pixels>(
  image: Image<A>,
  map: (colour: number, alpha: number, bytes: boolean) => number,
): Image<A> {
  const { data, width, height } = image
  const out = data.slice() as A
  const bytes = out instanceof Uint8Array
  for (let i = 0; i < out.length; i += 4) {
    const alpha = out[i + 3] as number
    for (let c = i; c < i + 3; c++) out[c] = map(out[c] as number, alpha, bytes)
  }
  return withData(image, out, width, height)
}
