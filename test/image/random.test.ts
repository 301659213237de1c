import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Dataset } from '../../src/index.ts'
import {
  colorJitter,
  crop,
  flipHorizontal,
  type Image,
  pad,
  randomCrop,
  randomFlip,
  randomResizedCrop,
} from '../../src/image/index.ts'
import { given, numbered } from './pictures.ts'

const units = fc.array(fc.double({ min: 0, max: 0.9999, noNaN: true }), {
  minLength: 40,
  maxLength: 40,
})

test('randomFlip mirrors below its probability', () => {
  const image = numbered(5, 4)
  expect(randomFlip(image, given(0.49))).toEqual(flipHorizontal(image))
  expect(randomFlip(image, given(0.5))).toBe(image)
  expect(randomFlip(image, given(0.2), 0.1)).toBe(image)
})

test('randomCrop is a part of the picture, and reaches every corner', () => {
  const image = numbered(5, 4)
  const size = { width: 2, height: 3 }
  const first = randomCrop(image, given(0, 0), size)
  expect(first).toEqual(crop(image, { left: 0, top: 0, ...size }))
  const last = randomCrop(image, given(0.999, 0.999), size)
  expect(last).toEqual(crop(image, { left: 3, top: 1, ...size }))
  expect(() => randomCrop(image, given(), { width: 6, height: 1 })).toThrow('pad the picture')
})

test('randomResizedCrop has its size at any chance, of any picture', () => {
  const sides = fc.integer({ min: 1, max: 40 })
  fc.assert(
    fc.property(units, sides, sides, (numbers, width, height) => {
      const image = numbered(width, height)
      const out = randomResizedCrop(image, given(...numbers), { width: 6, height: 5 })
      expect([out.width, out.height, out.data.length]).toEqual([6, 5, 90])
    }),
  )
})

test('a part of scale 1 and the shape of the picture is all of it', () => {
  const image = numbered(6, 6)
  const options = { width: 6, height: 6, scale: [1, 1], ratio: [1, 1] } as const
  expect(randomResizedCrop(image, given(), options)).toEqual(image)
})

test('colorJitter without ranges changes nothing, with them it does', () => {
  const image = numbered(6, 6)
  expect(colorJitter(image, given(0.3, 0.9), {})).toBe(image)
  const options = { brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2 }
  const [a, b] = [given(0.1, 0.2, 0.3, 0.4), given(0.1, 0.2, 0.3, 0.5)]
  expect(colorJitter(image, a, options)).not.toEqual(colorJitter(image, b, options))
  expect(() => colorJitter(image, given(), { hue: 0.6 })).toThrow('hue')
  expect(() => colorJitter(image, given(), { brightness: -1 })).toThrow('brightness')
})

test('each draws as many numbers whatever comes out', () => {
  const drawsOf = (change: (image: Image, random: () => number) => Image): Set<number> => {
    const counts = [0, 0.3, 0.77, 0.999].map((unit) => {
      let draws = 0
      change(numbered(9, 5), () => (draws++, unit))
      return draws
    })
    return new Set(counts)
  }
  expect(drawsOf((image, random) => randomFlip(image, random))).toEqual(new Set([1]))
  const size = { width: 2, height: 2 }
  expect(drawsOf((image, random) => randomCrop(image, random, size))).toEqual(new Set([2]))
  expect(drawsOf((image, random) => randomResizedCrop(image, random, size))).toEqual(new Set([40]))
  expect(drawsOf((image, random) => colorJitter(image, random, { hue: 0.1 }))).toEqual(new Set([8]))
})

test('follows from the seed of the run, whatever the parallelism', async () => {
  const margin = { all: 2, mode: 'reflect' } as const
  const size = { width: 8, height: 8 }
  const photos = Dataset.range(40).map(() => numbered(8, 8))
  const run = (parallelism: number, seed: number) =>
    photos
      .map(
        async (photo, local) => {
          const random = () => local.random()
          return randomCrop(pad(randomFlip(photo, random), margin), random, size).data
        },
        { parallelism },
      )
      .toArray({ seed, epoch: 0 })
  const one = await run(1, 7)
  expect(await run(8, 7)).toEqual(one)
  expect(await run(1, 8)).not.toEqual(one)
  expect(new Set(one.map(String)).size).toBeGreaterThan(10)
})
