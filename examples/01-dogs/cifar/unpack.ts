import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DataError, Dataset } from 'millstream'
import { encodePng } from 'millstream/image'
import { Progress } from 'millstream/ui'
import sharp from 'sharp'
import { extract } from 'tar'
import { fillFolder } from '../files.ts'
import { fetchTarball } from './download.ts'
import { photoPath, selectPhotos } from './select.ts'

/** Pixels of one side of a photo. */
export const side = 32
const photoBytes = side * side * 3
const sheetPhotos = 10_000

const parts = [
  {
    name: 'train',
    dogs: 4_000,
    labels: 'train_lables.json',
    sheets: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.png`),
  },
  { name: 'test', dogs: 1_000, labels: 'test_lables.json', sheets: ['test_batch.png'] },
] as const

const needed = new Set<string>(parts.flatMap(({ labels, sheets }) => [labels, ...sheets]))

/**
 * The folder with 8,000 photos in train/dog and train/other and 2,000 in test/dog and test/other. What is
 * missing is fetched and unpacked; the second time it is there.
 *
 * @throws DataError when the photos cannot be fetched or kept.
 */
export async function dogPhotos(cache: string, signal: AbortSignal): Promise<string> {
  const folder = join(cache, 'dogs-v1')
  if (await stat(folder).catch(() => undefined)) return folder
  const archive = await fetchTarball(cache, signal)
  await fillFolder(folder, async (temporary) => {
    const sheets = join(temporary, 'sheets')
    await mkdir(sheets)
    await extract({
      file: archive,
      cwd: sheets,
      strip: 1,
      filter: (path) => needed.has(basename(path)),
    })
    await unpack(sheets, temporary, signal)
    await rm(sheets, { recursive: true })
  })
  return folder
}

async function unpack(sheets: string, folder: string, signal: AbortSignal): Promise<void> {
  const total = parts.reduce((sum, { dogs }) => sum + 2 * dogs, 0)
  const progress = new Progress({ label: 'unpack', total, unit: 'photos' })
  let done = 0
  for (const part of parts) {
    for (const name of ['dog', 'other']) {
      await mkdir(join(folder, part.name, name), { recursive: true })
    }
    const labels = await readLabels(join(sheets, part.labels))
    const chosen = selectPhotos(labels, part.dogs)
    for (const [k, sheet] of part.sheets.entries()) {
      const pixels = await readSheet(join(sheets, sheet))
      const first = k * sheetPhotos
      const written = Dataset.fromArray(chosen)
        .filter((index) => index >= first && index < first + sheetPhotos)
        .map(
          async (index) => {
            const data = photoOf(pixels, index - first)
            const png = await encodePng({ data, width: side, height: side, channels: 3 })
            await writeFile(join(folder, part.name, photoPath(index, labels[index] ?? -1)), png)
          },
          { parallelism: 8 },
        )
      for await (const _ of written.iterate({ signal })) progress.update(++done)
    }
  }
  progress.end()
}

async function readLabels(path: string): Promise<number[]> {
  const labels: unknown = JSON.parse(await readFile(path, 'utf8'))
  if (Array.isArray(labels) && labels.every((l) => Number.isInteger(l))) return labels as number[]
  throw new DataError(`${basename(path)} is not a list of labels`)
}

/** A sheet holds one photo in each row of pixels. */
async function readSheet(path: string): Promise<Uint8Array> {
  const pixels = await sharp(path).raw().toBuffer()
  if (pixels.length === sheetPhotos * photoBytes) return pixels
  throw new DataError(`${basename(path)} does not hold ${sheetPhotos} photos of ${side} pixels`)
}

/** One photo of a sheet. */
export function photoOf(pixels: Uint8Array, index: number): Uint8Array {
  return pixels.subarray(index * photoBytes, (index + 1) * photoBytes)
}
