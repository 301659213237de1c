/**
 * What it takes to go on in the middle of 10 M numbers under a shuffle: seconds until the first element, beside
 * running again from the start and dropping what was delivered.
 */
import { type Checkpoint, Dataset } from 'millstream'
import { type Benchmark, type Options, type Row, rowOf, time } from '../harness.ts'

const rounds = 5

export const resume: Benchmark = {
  summary: 'going on in the middle of 10 M elements under shuffles, beside running again to there',
  needsPeers: false,
  run: async (options) => {
    const size = options.quick ? 20_000 : 10_000_000
    const rows: Row[] = []
    for (const buffer of [1000, 100_000, 'global'] as const) {
      rows.push(...(await measure(size, buffer, options)))
    }
    return rows
  },
}

async function measure(
  size: number,
  buffer: number | 'global',
  { log }: Options,
): Promise<readonly Row[]> {
  const ds = Dataset.range(size).shuffle(buffer, { seed: 1 })
  const at = size / 2
  const { checkpoint, next } = await cut(ds, at)
  const bytes = JSON.stringify(checkpoint).length
  log(`shuffle(${buffer}): a checkpoint of ${bytes} bytes`)
  const resumed: number[] = []
  const again: number[] = []
  let check = ''
  for (let k = 0; k < rounds; k++) {
    resumed.push(await time(async () => (check = `next ${await firstOf(ds.resume(checkpoint))}`)))
    again.push(await time(() => cut(ds, at)))
  }
  const name = `shuffle(${buffer}), ${bytes} bytes`
  const what = { case: name, unit: 's', check: `next ${next}` }
  return [
    rowOf({ ...what, subject: 'millstream', check }, resumed.map(seconds)),
    rowOf({ ...what, subject: 'running again to there' }, again.map(seconds)),
  ]
}

const seconds = (ms: number): number => ms / 1000

/** Runs up to element `at`, leaves, and tells which element comes next. */
async function cut(
  ds: Dataset<number>,
  at: number,
): Promise<{ checkpoint: Checkpoint; next: number | undefined }> {
  const run = ds.iterate({ epoch: 0 })
  let left = at
  for await (const chunk of run.chunks()) {
    left -= chunk.length
    if (left <= 0) break // closes the run
  }
  const checkpoint = run.checkpoint()
  return { checkpoint, next: await firstOf(ds.resume(checkpoint)) }
}

async function firstOf(run: AsyncIterable<number>): Promise<number | undefined> {
  for await (const x of run) return x
  return undefined
}
