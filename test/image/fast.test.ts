import sharp from 'sharp'
import { expect, test } from 'vitest'
import { decodeImage, type DecodeOptions, type Image } from '../../src/image/index.ts'

/** A picture with shapes, shades and grain, as photos have them. */
function photoLike(width: number, height: number) {
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    const shape = (x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2 ? 90 : 0
    for (let c = 0; c < 3; c++) {
      const shade = 60 * Math.sin(x / (20 + 9 * c)) + (90 * y) / height + 40
      data[3 * i + c] = shade + shape + ((Math.imul(3 * i + c, 0x9e3779b1) >>> 28) % 12)
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
}

function difference(a: Image, b: Image): number {
  expect([a.width, a.height, a.channels]).toEqual([b.width, b.height, b.channels])
  return (
    a.data.reduce((sum, value, i) => sum + Math.abs(value - (b.data[i] ?? 0)), 0) / a.data.length
  )
}

test.each([
  ['4:2:0', 92, false],
  ['4:4:4', 75, false],
  ['4:2:0', 50, true],
] as const)(
  'is within a level of exact on average: %s, quality %i',
  async (sub, quality, progressive) => {
    const file = await photoLike(301, 200)
      .jpeg({ chromaSubsampling: sub, quality, progressive })
      .toBuffer()
    for (const options of [{}, { size: 64 }, { size: 300 }, { channels: 1 }] as DecodeOptions[]) {
      const exact = await decodeImage(file, options)
      const fast = await decodeImage(file, { ...options, decode: 'fast' })
      expect(difference(fast, exact)).toBeLessThan(1)
      expect(fast.data.byteLength).toBe(fast.data.buffer.byteLength)
    }
  },
)

test('turns upright, and knows grey', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await photoLike(60, 40).jpeg().withMetadata({ orientation }).toBuffer()
    for (const options of [{}, { size: 20 }, { orientation: false }]) {
      const exact = await decodeImage(file, options)
      expect(
        difference(await decodeImage(file, { ...options, decode: 'fast' }), exact),
      ).toBeLessThan(1)
    }
  }
  const grey = await photoLike(60, 40).greyscale().jpeg().toBuffer()
  const exact = await decodeImage(grey)
  expect(difference(await decodeImage(grey, { decode: 'fast' }), exact)).toBeLessThan(1)
})

test('other files are the same as exact: CMYK, alpha, other formats', async () => {
  const files = await Promise.all([
    photoLike(60, 40).toColourspace('cmyk').jpeg().toBuffer(),
    photoLike(60, 40).webp().toBuffer(),
    photoLike(200, 140).png().toBuffer(),
  ])
  for (const file of files) {
    expect(await decodeImage(file, { decode: 'fast' })).toEqual(await decodeImage(file))
  }
  const jpeg = await photoLike(60, 40).jpeg().toBuffer()
  const clear = { channels: 4 } as const
  expect(await decodeImage(jpeg, { ...clear, decode: 'fast' })).toEqual(
    await decodeImage(jpeg, clear),
  )
})

test('says of a damaged file what exact says', async () => {
  const jpeg = await photoLike(300, 200).jpeg().toBuffer()
  const half = jpeg.subarray(0, jpeg.length / 2)
  const said = (decode: 'exact' | 'fast') =>
    decodeImage(half, { decode }).then(
      () => 'decoded',
      (error: Error) => error.message,
    )
  expect(await said('fast')).toBe(await said('exact'))
  expect(await said('fast')).toContain('truncated')
  const limited = { decode: 'fast', maxPixels: 59_999 } as const
  await expect(decodeImage(jpeg, limited)).rejects.toThrow('maxPixels')
  await expect(decodeImage(jpeg, { decode: 'best' as 'fast' })).rejects.toThrow("'exact' or 'fast'")
})
