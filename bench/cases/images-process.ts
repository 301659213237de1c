/**
 * A subject of `images` in a process of its own: `images-process.ts SUBJECT WORKERS FOLDER SAMPLE`. Prints what `images_peers.py`
 * prints, and writes the first two batches to the file SAMPLE.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, type Tensor, threads } from 'millstream'
import sharp from 'sharp'
import { batchSize, type ImageFile, load, prepared, side } from './images-stages.ts'

type Batches = AsyncIterable<Tensor<Float32Array>>

const [subject = '', workers = '1', folder = '', sample = ''] = process.argv.slice(2)
const files = readdirSync(folder)
  .sort()
  .map((name, index): ImageFile => ({ path: join(folder, name), index }))

const subjects: Readonly<Record<string, () => Batches>> = {
  exact: () => millstream('exact'),
  fast: () => millstream('fast'),
  sharp: () => sharpsPool(),
}

function millstream(decode: 'exact' | 'fast'): Batches {
  return Dataset.fromArray(files)
    .map(load.with({ decode }).on(threads(Number(workers))))
    .batch(batchSize)
    .prefetch(2)
}

/** sharp's own threads behind promises, as a script would call them: UV_THREADPOOL_SIZE of them. */
function sharpsPool(): Batches {
  sharp.concurrency(1)
  return Dataset.fromArray(files)
    .map(
      async ({ path, index }) => {
        const resized = sharp(path).resize(side, side, { kernel: 'linear' }).removeAlpha()
        const data = new Uint8Array(await resized.raw().toBuffer())
        return prepared({ data, width: side, height: side, channels: 3 }, index)
      },
      { parallelism: 8 },
    )
    .batch(batchSize)
    .prefetch(2)
}

/** Batches before the clock starts: threads start, and code becomes fast. */
const warmUp = Math.min(8, Math.floor(files.length / batchSize / 4))

async function measure(): Promise<void> {
  const first: Float32Array[] = []
  let batches = 0
  let images = 0
  let timed = 0
  let start = performance.now()
  let used = process.cpuUsage()
  for await (const { data, shape } of subjects[subject]?.() ?? []) {
    if (batches < 2) first.push(data.slice())
    batches++
    images += shape[0]
    if (batches <= warmUp) {
      start = performance.now()
      used = process.cpuUsage()
    } else timed += shape[0]
  }
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(used)
  const cpu = (user + system) / 1000 / timed
  writeFileSync(sample, Buffer.concat(first.map((data) => Buffer.from(data.buffer))))
  console.log(JSON.stringify({ images, batches, rate: timed / seconds, cpu }))
}

await measure()
