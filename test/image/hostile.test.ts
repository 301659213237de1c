import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import { DataError } from '../../src/index.ts'
import { decodeImage } from '../../src/image/index.ts'
import { testFolder } from '../folder.ts'

/** 5,000 are the full size, `npm run hostile`: every commit tries some. */
const files = Number(process.env['MILLSTREAM_IMAGES'] ?? 300)
const seed = Number(process.env['MILLSTREAM_SEED'] ?? 1)
/** Pictures of more are refused, which bounds memory. */
const maxPixels = 1_000_000

function chance(from: number): (below: number) => number {
  let x = from
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 2 ** 32) * below)
  }
}

/** Good files of every kind; what is done to them comes by chance. */
async function goodFiles(): Promise<readonly Buffer[]> {
  const [width, height] = [97, 61]
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + (i >> 6)) % 256)
  const image = sharp(data, { raw: { width, height, channels: 3 } })
  const pages = sharp({
    create: { width: 20, height: 60, channels: 4, background: '#08f', pageHeight: 20 },
  })
  return Promise.all([
    image.clone().jpeg().toBuffer(),
    image.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    image.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    image.clone().toColourspace('cmyk').jpeg().toBuffer(),
    image.clone().greyscale().jpeg().toBuffer(),
    image.clone().png().toBuffer(),
    image.clone().png({ palette: true }).toBuffer(),
    image.clone().toColourspace('rgb16').png().toBuffer(),
    image.clone().ensureAlpha(0.5).png({ progressive: true }).toBuffer(),
    image.clone().webp().toBuffer(),
    image.clone().webp({ lossless: true }).toBuffer(),
    pages.clone().webp().toBuffer(),
    pages.clone().gif().toBuffer(),
  ])
}

/** Where a file tells its size, so that it can be made to lie. */
function withHugeSize(file: Buffer): Buffer {
  const out = Buffer.from(file)
  if (out.toString('latin1', 1, 4) === 'PNG') {
    out.writeUInt32BE(65_000, 16)
    out.writeUInt32BE(65_000, 20)
    out.writeUInt32BE(crc32(out.subarray(12, 29)), 29)
  } else if (out[0] === 0xff) {
    const frame = out.findIndex((x, i) => x === 0xff && [0xc0, 0xc2].includes(out[i + 1] ?? 0))
    out.writeUInt32BE(0xfde8_fde8, frame + 5)
  } else {
    out.fill(0xff, 24, 30)
  }
  return out
}

function damaged(good: readonly Buffer[], k: number): Buffer {
  const next = chance(seed * 7_919 + k)
  const file = Buffer.from(good[k % good.length] ?? [])
  const place = (): number => next(file.length)
  switch (next(8)) {
    case 0:
      return file.subarray(0, place())
    case 1:
      return withHugeSize(file)
    case 2:
      return Buffer.alloc(next(3) * 50, '<html>')
    case 3:
      return Buffer.concat([file.subarray(0, place()), good[next(good.length)] ?? file])
    case 4:
      return Buffer.from(Array.from({ length: next(400) }, () => next(256)))
    default: {
      // Bits of the header as often as of the pixels.
      const within = next(2) === 0 ? Math.min(100, file.length) : file.length
      for (let flips = 1 + next(20); flips > 0; flips--) {
        const at = next(within)
        file[at] = (file[at] ?? 0) ^ (1 << next(8))
      }
      return file
    }
  }
}

let good: readonly Buffer[] = []
beforeAll(async () => {
  good = await goodFiles()
})

test('the files are good before they are damaged', async () => {
  for (const file of good) {
    for (const decode of ['exact', 'fast'] as const) {
      const image = await decodeImage(file, { decode, maxPixels })
      expect(image.data.length).toBe(image.width * image.height * 3)
    }
  }
})

test(`${files} damaged files: each is a picture or an error with its name`, async () => {
  const folder = join(testFolder(), 'damaged')
  mkdirSync(folder, { recursive: true })
  let refused = 0
  for (let k = 0; k < files; k++) {
    const path = join(folder, `${k}.img`)
    writeFileSync(path, damaged(good, k))
    const decode = k % 2 === 0 ? 'fast' : 'exact'
    const outcome = await decodeImage(path, { decode, maxPixels }).catch((error: unknown) => error)
    if (outcome instanceof Error) {
      expect(outcome).toBeInstanceOf(DataError)
      expect(outcome.message).toContain(path)
      refused++
      continue
    }
    const { data, width, height } = outcome as Awaited<ReturnType<typeof decodeImage>>
    expect(data.length).toBe(width * height * 3)
    expect(width * height).toBeLessThanOrEqual(maxPixels)
  }
  expect(refused).toBeGreaterThan(files / 3)
  // A picture of the sizes that the headers claim would be gigabytes.
  expect(process.memoryUsage().rss).toBeLessThan(2 ** 30)
})
