import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { decodeImage, type DecodeOptions, encodePng, resizeShorter } from '../../src/image/index.ts'

/** Noise over a gradient: PNG encoders choose all their filters for it. */
function noisy(width: number, height: number, channels: 3 | 4 = 3) {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const wave = 90 * Math.sin(i / 37) + 90 + (i % width) / 2
    return Math.round(i % 1500 < 700 ? wave : (i * 7_919 + (i >> 4) * 31) % 256)
  })
  return { data, width, height, image: sharp(data, { raw: { width, height, channels } }) }
}

async function rawOf(file: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await sharp(file).raw().toBuffer())
}

describe('decodeImage', () => {
  test.each([1, 2, 7, 32, 100, 200])(
    'PNG of side %i, whatever the filters of its rows',
    async (side) => {
      const { image, data } = noisy(side, side)
      for (const adaptiveFiltering of [false, true]) {
        const file = await image.clone().png({ adaptiveFiltering }).toBuffer()
        const photo = await decodeImage(file)
        expect([photo.width, photo.height]).toEqual([side, side])
        expect(Buffer.compare(photo.data, data)).toBe(0)
      }
    },
  )

  test('what encodePng wrote', async () => {
    const { data } = noisy(32, 20)
    const photo = { data, width: 32, height: 20, channels: 3 }
    expect(await decodeImage(await encodePng(photo))).toEqual(photo)
  })

  test.each(['jpeg', 'webp', 'png', 'gif', 'tiff', 'avif'] as const)(
    '%s, from bytes and from a file',
    async (format) => {
      const file = await noisy(61, 40).image.toFormat(format).toBuffer()
      const photo = await decodeImage(file)
      expect(photo.data).toEqual(await rawOf(file))
      const path = join(testFolder(), `a.${format}`)
      await writeFile(path, file)
      expect(await decodeImage(path)).toEqual(photo)
    },
  )

  test('grey, transparent, 16-bit, palette and interlaced files come as 8-bit RGB', async () => {
    const image = noisy(20, 10).image
    const clear = noisy(20, 10, 4).image
    const files = await Promise.all([
      image.clone().greyscale().toColourspace('b-w').png().toBuffer(),
      clear.png().toBuffer(),
      image.clone().toColourspace('rgb16').png().toBuffer(),
      image.clone().png({ palette: true, colours: 8 }).toBuffer(),
      image.clone().png({ progressive: true }).toBuffer(),
      image.clone().toColourspace('cmyk').jpeg().toBuffer(),
    ])
    for (const file of files) {
      const photo = await decodeImage(file)
      expect([photo.width, photo.height, photo.data.length]).toEqual([20, 10, 600])
    }
    const glass = sharp({ create: { width: 4, height: 4, channels: 4, background: '#ff000000' } })
    const file = await glass.png().toBuffer()
    const coloursOf = async (options: DecodeOptions): Promise<number[]> => [
      ...new Set((await decodeImage(file, options)).data),
    ]
    expect(await coloursOf({})).toEqual([255, 0])
    expect(await coloursOf({ background: [9, 9, 9] })).toEqual([9])
    expect(await coloursOf({ background: [9, 9, 9], channels: 1 })).toEqual([9])
    expect((await decodeImage(file, { channels: 4 })).data.length).toBe(64)
  })

  test('is upright by its EXIF orientation', async () => {
    const file = await noisy(30, 20).image.jpeg().withMetadata({ orientation: 6 }).toBuffer()
    const photo = await decodeImage(file)
    expect([photo.width, photo.height]).toEqual([20, 30])
  })

  test('size covers a square and cuts to the middle', async () => {
    const left = { create: { width: 30, height: 40, channels: 3, background: '#f00' } } as const
    const wide = sharp({ create: { width: 120, height: 40, channels: 3, background: '#0f0' } })
    const file = await wide
      .composite([{ input: left, left: 0, top: 0 }])
      .png()
      .toBuffer()
    const photo = await decodeImage(file, { size: 20 })
    expect([photo.width, photo.height]).toEqual([20, 20])
    expect([...photo.data.subarray(0, 3)]).toEqual([0, 255, 0])
    const whole = await decodeImage(file)
    const shorter = resizeShorter(whole, 20)
    expect([shorter.width, shorter.height]).toEqual([60, 20])
    expect(resizeShorter(photo, 20)).toBe(photo)
  })

  test('says what is wrong with a file', async () => {
    const png = await noisy(32, 32).image.png().toBuffer()
    const jpeg = await noisy(200, 200).image.jpeg().toBuffer()
    await expect(decodeImage(new Uint8Array())).rejects.toThrow('empty file')
    await expect(decodeImage(Buffer.from('hello'))).rejects.toThrow('not an image')
    await expect(decodeImage(png.subarray(0, png.length - 9))).rejects.toThrow('truncated')
    await expect(decodeImage(png.subarray(0, 300))).rejects.toThrow('truncated')
    await expect(decodeImage(jpeg.subarray(0, jpeg.length / 2))).rejects.toThrow(
      /truncated|damaged/,
    )
    const flipped = Buffer.from(png)
    flipped[200] = (flipped[200] ?? 0) ^ 255
    await expect(decodeImage(flipped)).rejects.toThrow('damaged')
    await expect(decodeImage('no-such-file.png')).rejects.toMatchObject({ code: 'MILLSTREAM_DATA' })
    await expect(decodeImage(png, { size: 0 })).rejects.toThrow('size')
  })

  test('no prefix of a PNG file is taken for a photo', async () => {
    const png = await noisy(16, 16).image.png().toBuffer()
    for (let n = 0; n < png.length; n += 7) {
      await expect(decodeImage(png.subarray(0, n))).rejects.toMatchObject({
        code: 'MILLSTREAM_DATA',
      })
    }
  })

  test('buffers of results are their own, so that they can be moved to another thread', async () => {
    for (const side of [8, 200]) {
      const { data } = await decodeImage(await noisy(side, side).image.png().toBuffer())
      expect(data.byteLength).toBe(data.buffer.byteLength)
    }
  })
})
