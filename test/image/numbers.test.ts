import { expect, test } from 'vitest'
import {
  adjustBrightness,
  adjustHue,
  adjustSaturation,
  grayscale,
  invert,
  normalize,
  resize,
  toFloat,
  toTensor,
  toUint8,
} from '../../src/image/index.ts'
import { numbered, pixelAt } from './pictures.ts'

test('a tensor has rows, columns and channels in the order of its layout', () => {
  const image = numbered(3, 2)
  const tensor = toTensor(image)
  expect(tensor.shape).toEqual([2, 3, 3])
  expect(tensor.data).toBe(image.data)
  const planes = toTensor(image, { layout: 'CHW' })
  expect(planes.shape).toEqual([3, 2, 3])
  for (let c = 0; c < 3; c++) {
    const plane = [...planes.data.subarray(c * 6, c * 6 + 6)]
    expect(plane).toEqual([0, 1, 2, 3, 4, 5].map((i) => pixelAt(image, i % 3, i < 3 ? 0 : 1)[c]))
  }
})

test('bytes become floats and bytes again', () => {
  const image = { ...numbered(16, 16, 1), data: Uint8Array.from({ length: 256 }, (_, i) => i) }
  expect(toUint8(toFloat(image))).toEqual(image)
  expect(toFloat(image).data[255]).toBe(1)
  expect(toUint8({ ...image, data: new Float32Array(256).fill(-3) }).data[0]).toBe(0)
})

test.each([1, 3, 4])('normalize is the same of bytes and of floats, %i channels', (channels) => {
  const image = numbered(5, 4, channels)
  const mean = Array.from({ length: channels }, (_, c) => 0.4 + c / 10)
  const std = Array.from({ length: channels }, (_, c) => 0.2 + c / 10)
  const bytes = normalize(image, { mean, std }).data
  const floats = normalize(toFloat(image), { mean, std }).data
  image.data.forEach((value, i) => {
    const c = i % channels
    const expected = (value / 255 - (mean[c] ?? 0)) / (std[c] ?? 1)
    expect(bytes[i]).toBeCloseTo(expected, 5)
    expect(floats[i]).toBeCloseTo(expected, 5)
  })
})

test('alpha stays as it is when colours change', () => {
  const image = numbered(6, 5, 4)
  const alphas = (data: Uint8Array) => data.filter((_, i) => i % 4 === 3)
  for (const changed of [invert(image), adjustBrightness(image, 0.5), adjustHue(image, 0.3)]) {
    expect(alphas(changed.data)).toEqual(alphas(image.data))
    expect(changed.data).not.toEqual(image.data)
  }
})

test('grey has one channel or three, and neither hue nor saturation', () => {
  const grey = grayscale(numbered(4, 4))
  const three = grayscale(numbered(4, 4), 3)
  expect([grey.channels, three.channels]).toEqual([1, 3])
  expect(three.data.filter((_, i) => i % 3 === 1)).toEqual(grey.data)
  expect(adjustHue(three, 0.2)).toEqual(three)
  expect(adjustSaturation(three, 2)).toEqual(three)
})

test('refuses what cannot be', () => {
  const image = numbered(4, 4)
  expect(() => normalize(image, { mean: [0, 0], std: 1 })).toThrow('3 channels')
  expect(() => normalize(image, { mean: 0, std: [1, 0, 1] })).toThrow('std is not 0')
  expect(() => adjustBrightness(image, -1)).toThrow('factor')
  expect(() => adjustHue(image, 0.6)).toThrow('shift')
  expect(() => grayscale(image, 2 as 1)).toThrow('1 or 3 channels')
  expect(() => resize(image, { width: 2, height: 0 })).toThrow('height')
  const plain = { method: 'lanczos', antialias: false } as const
  expect(() => resize(image, { width: 2, height: 2 }, plain)).toThrow('always antialiased')
})
