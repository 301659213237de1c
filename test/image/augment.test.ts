import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Dataset } from '../../src/index.ts'
import { augmentPhoto, type Photo } from '../../src/image/index.ts'

function numbered(width: number, height: number): Photo {
  return { data: Uint8Array.from({ length: width * height * 3 }, (_, i) => i % 251), width, height }
}

/** Gives the numbers one after the other. */
function given(...numbers: number[]): () => number {
  return () => numbers.shift() ?? 0
}

/** The slow way: pixel by pixel, from the definition. */
function reference(photo: Photo, dx: number, dy: number, flip: boolean): Uint8Array {
  const { data, width, height } = photo
  const mirror = (i: number, n: number): number => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i)
  const out: number[] = []
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = mirror(x + dx, width)
      const at = (mirror(y + dy, height) * width + (flip ? width - 1 - column : column)) * 3
      out.push(...data.subarray(at, at + 3))
    }
  }
  return Uint8Array.from(out)
}

describe('augmentPhoto', () => {
  test('without a shift and without mirroring it copies', () => {
    const photo = numbered(5, 4)
    const { data } = augmentPhoto(photo, given(0.9, 0.5, 0.5), { shift: 2 })
    expect(data).toEqual(photo.data)
    expect(data).not.toBe(photo.data)
  })

  test('mirrors left to right', () => {
    const photo = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1 }
    expect([...augmentPhoto(photo, given(0.1), { shift: 0 }).data]).toEqual([4, 5, 6, 1, 2, 3])
  })

  test('is what the definition says, at any size and shift', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 2, max: 9 }),
        fc.nat(8),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (width, height, wanted, flip, a, b) => {
          const shift = Math.min(wanted, width - 1, height - 1)
          const photo = numbered(width, height)
          const { data } = augmentPhoto(photo, given(flip ? 0 : 0.5, a, b), { shift })
          const [dx, dy] = [a, b].map((r) => Math.floor(r * (2 * shift + 1)) - shift)
          expect(data).toEqual(reference(photo, dx ?? 0, dy ?? 0, flip))
        },
      ),
    )
  })

  test('draws three numbers whatever the options', () => {
    for (const options of [{}, { mirror: false }, { shift: 0 }]) {
      let draws = 0
      augmentPhoto(numbered(8, 8), () => (draws++, 0.3), options)
      expect(draws).toBe(3)
    }
  })

  test('follows from the seed of the run, whatever the parallelism', async () => {
    const photos = Dataset.range(40).map(() => numbered(8, 8))
    const run = (parallelism: number, seed: number) =>
      photos
        .map(async (photo, local) => augmentPhoto(photo, () => local.random()).data, {
          parallelism,
        })
        .toArray({ seed, epoch: 0 })
    const one = await run(1, 7)
    expect(await run(8, 7)).toEqual(one)
    expect(await run(1, 8)).not.toEqual(one)
    expect(new Set(one.map(String)).size).toBeGreaterThan(10)
  })

  test('refuses a shift that leaves nothing to mirror', () => {
    expect(() => augmentPhoto(numbered(4, 4), Math.random, { shift: 4 })).toThrow(/shift/)
    expect(() => augmentPhoto(numbered(4, 4), Math.random, { shift: 0.5 })).toThrow(/shift/)
  })
})
