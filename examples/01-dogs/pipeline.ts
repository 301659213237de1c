import { totalmem } from 'node:os'
import { DataError, Dataset, messageOf, threads, type Batch, type RunEvent } from 'millstream'
import type { TrainBatch } from 'millstream/ml'
import { Progress } from 'millstream/ui'
import type { Part, PhotoFile } from './photos.ts'
import { augment, load, type Pixels } from './stages.ts'

/** From files to photos of the model's size; what cannot be read or decoded is left out and reported. */
export function loaded(files: readonly PhotoFile[], size: number): Dataset<Pixels> {
  return Dataset.fromArray(files).map(load.with({ size }).on(threads('auto')), { onError: 'skip' })
}

/** A photo that was left out, and why. */
export interface BadPhoto {
  readonly file: PhotoFile
  readonly reason: string
}

/** All photos, decoded and kept. */
export interface CleanPhotos {
  /** Reads from memory: decoded once, for all epochs and rounds. */
  readonly photos: Dataset<Pixels>
  readonly good: readonly PhotoFile[]
  readonly bad: readonly BadPhoto[]
  readonly seconds: number
}

/** Decodes all photos, once; lists each that had to be left out. */
export async function clean(
  files: readonly PhotoFile[],
  size: number,
  signal: AbortSignal,
): Promise<CleanPhotos> {
  checkMemory(files.length * size * size * 3)
  const start = performance.now()
  const progress = new Progress({ label: 'decode', total: files.length, unit: 'photos' })
  const photos = loaded(files, size).cache()
  const good: PhotoFile[] = []
  const bad: BadPhoto[] = []
  const observe = (event: RunEvent): void => {
    if (event.type !== 'skip') return
    bad.push({ file: event.element as PhotoFile, reason: messageOf(event.error) })
  }
  for await (const { file } of photos.iterate({ signal, observe })) {
    good.push(file)
    progress.update(good.length + bad.length, badNote(bad.length))
  }
  progress.update(good.length + bad.length, badNote(bad.length))
  progress.end()
  const listed = bad.toSorted((a, b) => (a.file.name < b.file.name ? -1 : 1))
  return { photos, good, bad: listed, seconds: (performance.now() - start) / 1_000 }
}

function badNote(n: number): string {
  return n === 0 ? '' : `${n} dropped`
}

function checkMemory(bytes: number): void {
  if (bytes <= 0.5 * totalmem()) return
  const gigabytes = (n: number): string => (n / 1e9).toFixed(1)
  throw new DataError(
    `The decoded photos take ${gigabytes(bytes)} GB, and this machine has ${gigabytes(totalmem())} GB. ` +
      'Use a smaller --size, or fewer photos.',
  )
}

/** How photos become batches to learn from. */
export interface BatchOptions {
  readonly size: number
  readonly batch: number
  /** Photos that are shuffled: all of them. */
  readonly count: number
}

/** As the trainer takes it. */
export function toTrainBatch({ x, y }: Batch<{ x: Uint8Array; y: number }>): TrainBatch {
  return { x: x.data, y: Int32Array.from(y) }
}

/** Batches of the training part, in another order and with other chance each epoch. */
export function trainBatches(photos: Dataset<Pixels>, options: BatchOptions): Dataset<TrainBatch> {
  const { size, batch, count } = options
  return photos
    .filter(({ file }) => file.part === 'train')
    .shuffle(count)
    .map(augment.with({ size }).on(threads('auto')))
    .batch(batch, { dropRemainder: true })
    .map(toTrainBatch)
}

/** Batches of another part, as they are and in order. */
export function judgedBatches(photos: Dataset<Pixels>, part: Part, batch: number) {
  return photos
    .filter(({ file }) => file.part === part)
    .map(({ file, data }) => ({ x: data, y: file.label }))
    .batch(batch)
    .map(toTrainBatch)
}
