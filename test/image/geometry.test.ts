import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  centerCrop,
  crop,
  flipHorizontal,
  flipVertical,
  type Image,
  pad,
  rotate,
  rotate90,
} from '../../src/image/index.ts'
import { upright } from '../../src/image/geometry.ts'
import { numbered, pixelAt } from './pictures.ts'

const sides = fc.record({
  width: fc.integer({ min: 1, max: 7 }),
  height: fc.integer({ min: 1, max: 7 }),
  channels: fc.constantFrom(1, 3, 4),
})
const pictures = sides.map(({ width, height, channels }) => numbered(width, height, channels))

/** A picture made pixel by pixel, from the definition; places outside are black. */
function from(
  image: Image,
  width: number,
  height: number,
  place: (x: number, y: number) => readonly [number, number],
): Image {
  const { channels } = image
  const data: number[] = []
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [a, b] = place(x, y)
      const inside = a >= 0 && b >= 0 && a < image.width && b < image.height
      data.push(...(inside ? pixelAt(image, a, b) : new Array<number>(channels).fill(0)))
    }
  }
  return { data: Uint8Array.from(data), width, height, channels }
}

test('crop takes a box, black outside of the picture', () => {
  const numbers = fc.integer({ min: -8, max: 8 })
  fc.assert(
    fc.property(pictures, sides, numbers, numbers, (image, { width, height }, left, top) => {
      const got = crop(image, { left, top, width, height })
      expect(got).toEqual(from(image, width, height, (x, y) => [x + left, y + top]))
    }),
  )
})

test('the middle rounds halves to even', () => {
  const middle = (side: number, cut: number) =>
    centerCrop(numbered(side, 1, 1), { width: cut, height: 1 }).data[0]
  expect(middle(5, 2)).toBe(numbered(5, 1, 1).data[2])
  expect(middle(7, 2)).toBe(numbered(7, 1, 1).data[2])
  expect(middle(6, 2)).toBe(numbered(6, 1, 1).data[2])
})

test('flips and quarter turns', () => {
  fc.assert(
    fc.property(pictures, (image) => {
      const [w, h] = [image.width, image.height]
      expect(flipHorizontal(image)).toEqual(from(image, w, h, (x, y) => [w - 1 - x, y]))
      expect(flipVertical(image)).toEqual(from(image, w, h, (x, y) => [x, h - 1 - y]))
      expect(rotate90(image)).toEqual(from(image, h, w, (x, y) => [w - 1 - y, x]))
      expect(rotate90(image, 2)).toEqual(from(image, w, h, (x, y) => [w - 1 - x, h - 1 - y]))
      expect(rotate90(image, -1)).toEqual(from(image, h, w, (x, y) => [y, h - 1 - x]))
      expect(rotate90(image, 4)).toEqual(image)
      expect(rotate(image, 90, { expand: true })).toEqual(rotate90(image))
      expect(rotate(image, -180)).toEqual(rotate90(image, 2))
    }),
  )
})

test('each orientation of EXIF is one of the eight ways to lay a picture', () => {
  const image = numbered(3, 2)
  const ways = [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => upright(image, orientation))
  expect(new Set(ways.map(({ data, width }) => `${width}: ${data.join()}`)).size).toBe(8)
  expect(ways.map(({ width }) => width)).toEqual([3, 3, 3, 3, 2, 2, 2, 2])
  expect(upright(image, 9)).toBe(image)
})

test('pad lays a colour or the mirror image around', () => {
  const margin = fc.nat(4)
  fc.assert(
    fc.property(pictures, margin, margin, margin, margin, (image, left, top, right, bottom) => {
      const [w, h] = [image.width, image.height]
      const place = (x: number, y: number) => [x - left, y - top] as const
      const black = from(image, w + left + right, h + top + bottom, place)
      expect(pad(image, { left, top, right, bottom })).toEqual(black)
      if (Math.max(left, right) >= w || Math.max(top, bottom) >= h) return
      const mirror = (i: number, n: number): number => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i)
      const reflected = from(image, w + left + right, h + top + bottom, (x, y) => [
        mirror(x - left, w),
        mirror(y - top, h),
      ])
      expect(pad(image, { left, top, right, bottom, mode: 'reflect' })).toEqual(reflected)
    }),
  )
  const framed = pad(numbered(2, 2), { all: 1, fill: [7, 8, 9] })
  expect(pixelAt(framed, 3, 3)).toEqual([7, 8, 9])
  expect(pixelAt(framed, 1, 1)).toEqual(pixelAt(numbered(2, 2), 0, 0))
})

test('a turn by any angle keeps the middle and lays the corners open', () => {
  const image = { ...numbered(9, 9), data: new Uint8Array(9 * 9 * 3).fill(200) }
  for (const method of ['nearest', 'bilinear'] as const) {
    const turned = rotate(image, 45, { method, fill: 5 })
    expect(pixelAt(turned, 4, 4)).toEqual([200, 200, 200])
    expect(pixelAt(turned, 0, 0)).toEqual([5, 5, 5])
    expect(rotate(image, 45, { method, expand: true }).width).toBe(13)
  }
})

test('refuses what cannot be', () => {
  const image = numbered(4, 4)
  const box = { left: 0, top: 0, width: 1, height: 1 }
  expect(() => crop(image, { ...box, left: 0.5 })).toThrow('left is a whole number')
  expect(() => crop(image, { ...box, width: 0 })).toThrow('width is a whole number of pixels')
  expect(() => pad(image, { all: -1 })).toThrow('left is')
  expect(() => pad(image, { all: 4, mode: 'reflect' })).toThrow('smaller than the picture')
  expect(() => pad(image, { all: 1, fill: [1, 2] })).toThrow('3 channels')
  expect(() => rotate90(image, 0.5)).toThrow('turns')
  expect(() => rotate(image, Number.NaN)).toThrow('degrees')
})
