import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { checkTarball } from '../../examples/01-dogs/cifar/download.ts'
import { classNames, photoPath, selectPhotos } from '../../examples/01-dogs/cifar/select.ts'
import { photoOf, side } from '../../examples/01-dogs/cifar/unpack.ts'
import { readOptions } from '../../examples/01-dogs/options.ts'
import { listPhotos } from '../../examples/01-dogs/photos.ts'
import { shuffled } from '../../examples/01-dogs/random.ts'
import {
  batchFor,
  epochsFor,
  maxRounds,
  modelSpec,
  optimizerOf,
  recipeOf,
} from '../../examples/01-dogs/recipe.ts'
import { decodeImage, encodePng } from '../../src/image/index.ts'
import { stripeFolder } from './job.ts'

const dog = classNames.indexOf('dog')
const labels = Array.from({ length: 50_000 }, (_, i) => (i * 7 + Math.floor(i / 10)) % 10)

describe('selection of photos', () => {
  test('4,000 dogs, 4,000 others evenly, each once', () => {
    const chosen = selectPhotos(labels, 4_000)
    const counts = classNames.map((_, label) => chosen.filter((i) => labels[i] === label).length)
    expect(new Set(chosen).size).toBe(8_000)
    expect(counts[dog]).toBe(4_000)
    const others = counts.filter((_, label) => label !== dog)
    expect(others.reduce((a, b) => a + b)).toBe(4_000)
    expect(new Set(others)).toEqual(new Set([444, 445]))
    expect(chosen).toEqual(chosen.toSorted((a, b) => a - b))
    expect(selectPhotos(labels, 4_000)).toEqual(chosen)
  })

  test('1,000 and 1,000 for the test', () => {
    const chosen = selectPhotos(labels.slice(0, 10_000), 1_000)
    expect(chosen).toHaveLength(2_000)
    expect(chosen.filter((i) => labels[i] === dog)).toHaveLength(1_000)
  })

  test('the shuffle is the same for ever', () => {
    expect(shuffled([0, 1, 2, 3, 4, 5, 6, 7], 42)).toEqual([2, 7, 1, 0, 6, 5, 3, 4])
  })

  test('names tell number and class', () => {
    expect(photoPath(12, dog)).toBe('dog/00012-dog.png')
    expect(photoPath(40_013, 3)).toBe('other/40013-cat.png')
  })
})

test('a photo of a sheet survives being written and decoded', async () => {
  const sheet = Uint8Array.from({ length: 3 * side * side * 3 }, (_, i) => (i * 7 + (i >> 5)) % 256)
  const data = photoOf(sheet, 1)
  expect(data).toHaveLength(side * side * 3)
  const photo = await decodeImage(await encodePng({ data, width: side, height: side, channels: 3 }))
  expect(photo.data).toEqual(new Uint8Array(data))
  expect(photo.data).not.toEqual(new Uint8Array(photoOf(sheet, 0)))
})

test('a tarball that is not the published one is refused', async () => {
  const path = join(testFolder(), 'a.tgz')
  await writeFile(path, await readFile(new URL('../../package.json', import.meta.url)))
  await expect(checkTarball(path)).rejects.toMatchObject({ code: 'MILLSTREAM_DATA' })
})

describe('split', () => {
  test('every class gives a fifth to the test and a tenth of the rest to the judge', async () => {
    const folder = testFolder()
    await stripeFolder(folder, 50)
    const { classes, files } = await listPhotos(folder, 1)
    expect(classes).toEqual(['across', 'upright'])
    for (const label of [0, 1]) {
      const count = (part: string) =>
        files.filter((file) => file.label === label && file.part === part).length
      expect([count('train'), count('validation'), count('test')]).toEqual([36, 4, 10])
    }
    expect(await listPhotos(folder, 1)).toEqual({ classes, files })
    expect((await listPhotos(folder, 2)).files).not.toEqual(files)
  })

  test('train and test folders are kept apart', async () => {
    const folder = testFolder()
    await stripeFolder(join(folder, 'train'), 10)
    await stripeFolder(join(folder, 'test'), 5)
    const { files } = await listPhotos(folder, 1)
    const held = files.filter(({ part }) => part === 'test')
    expect(held).toHaveLength(10)
    expect(held.every(({ name }) => name.startsWith('test'))).toBe(true)
    expect(files.filter(({ part }) => part === 'validation')).toHaveLength(2)
  })
})

describe('options', () => {
  test('defaults', () => {
    const options = readOptions([], {})
    expect(options).toMatchObject({ size: 32, seed: 1, threshold: 0.8, rounds: 3, data: undefined })
    expect(readOptions([], { MILLSTREAM_CACHE: '/a' }).cache).toBe('/a')
    expect(readOptions(['--cache', '/b'], { MILLSTREAM_CACHE: '/a' }).cache).toBe('/b')
  })

  test.each([
    ['--size', '31'],
    ['--size', '225'],
    ['--size', '40.5'],
    ['--seed', '-1'],
    ['--epochs', '0'],
    ['--epochs', ''],
    ['--threshold', '1.1'],
    ['--threshold', 'high'],
    ['--rounds', String(maxRounds + 1)],
    ['--batch', '1'],
    ['--colour', 'red'],
    ['photos'],
    ['--data'],
  ])('refuses %s %s', (...args) => {
    expect(() =>
      readOptions(
        args.filter((arg) => arg !== undefined),
        {},
      ),
    ).toThrow(expect.objectContaining({ code: 'MILLSTREAM_USAGE' }))
  })
})

describe('recipe', () => {
  test('few photos get small batches and more epochs', () => {
    expect([6, 40, 255, 256, 7_200].map(batchFor)).toEqual([2, 8, 32, 64, 64])
    expect([112, 50, 20, 1].map(epochsFor)).toEqual([12, 12, 30, 60])
  })

  test('every round changes something', () => {
    const rounds = Array.from({ length: maxRounds }, (_, i) => recipeOf(i, 12))
    expect(
      new Set(rounds.map(({ lr, epochs, weightDecay }) => `${lr} ${epochs} ${weightDecay}`)).size,
    ).toBe(maxRounds)
    expect(recipeOf(0, 12)).toMatchObject({ lr: 0.05, epochs: 12, weightDecay: 5e-4 })
  })

  test.each([
    [32, 0],
    [48, 0],
    [64, 1],
    [128, 2],
    [224, 3],
  ])('photos of %i pixels are halved %i times before the network', (size, halvings) => {
    const { layers } = modelSpec({
      size,
      classes: ['a', 'b', 'c'],
      batch: 4,
      seed: 1,
      threads: 1,
      optimizer: optimizerOf(recipeOf(0, 12)),
      mean: [1, 1, 1],
      std: [1, 1, 1],
    })
    expect(layers.filter((layer) => layer.op === 'conv' && layer.stride === 2)).toHaveLength(
      halvings,
    )
    expect(layers.at(-1)).toEqual({ op: 'dense', units: 3 })
  })
})
