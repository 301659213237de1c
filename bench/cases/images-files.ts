/** JPEG files for `images`: crops of two photos, enlarged, with the grain that cameras make. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

const photos = ['china.png', 'flower.png'].map(
  (name) => new URL(`../../test/golden/data/images/files/${name}`, import.meta.url).pathname,
)
const side = 480
/** Files of their own; more are copies, which cost the same to decode. */
const mostDistinct = 250

/** Writes `count` files of 480 x 480 pixels, quality 92, 4:2:0: about 50 KB each. */
export async function makeFiles(folder: string, count: number): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const files: Buffer[] = []
  for (let k = 0; k < Math.min(count, mostDistinct); k++) files.push(await makeFile(k))
  for (let k = 0; k < count; k++) {
    writeFileSync(join(folder, `${String(k).padStart(4, '0')}.jpg`), files[k % files.length] ?? '')
  }
}

async function makeFile(k: number): Promise<Buffer> {
  let x = 12_345 + k
  const next = (): number => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 32
  const width = 40 + Math.floor(next() * 20)
  const left = Math.floor(next() * (80 - width))
  const top = Math.floor(next() * (60 - width)) || 0
  const area = {
    left,
    top: Math.max(0, top),
    width,
    height: Math.min(width, 60 - Math.max(0, top)),
  }
  const picture = sharp(photos[k % 2])
    .removeAlpha()
    .extract(area)
  const { data } = await picture
    .resize(side, side, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const grained = data.map((value) =>
    Math.min(255, Math.max(0, value + (next() + next() - 1) * 14)),
  )
  return sharp(grained, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 92, chromaSubsampling: '4:2:0' })
    .toBuffer()
}
