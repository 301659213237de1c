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
  const { checkpoint, place } = await cut(ds, size / 2)
  const bytes = JSON.stringify(checkpoint).length
  log(`shuffle(${buffer}): a checkpoint of ${bytes} bytes`)
  const resumed: number[] = []
  const again: number[] = []
  const checks = ['', '']
  for (let k = 0; k < rounds; k++) {
    resumed.push(
      await time(async () => (checks[0] = `next ${await firstOf(ds.resume(checkpoint))}`)),
    )
    again.push(await time(async () => (checks[1] = `next ${await runAgain(ds, place)}`)))
  }
  const what = { case: `shuffle(${buffer}), ${bytes} bytes`, unit: 's' }
  const [own = '', other = ''] = checks
  return [
    rowOf({ ...what, subject: 'millstream', check: own }, resumed.map(seconds)),
    rowOf({ ...what, subject: 'running again to there', check: other }, again.map(seconds)),
  ]
}

const seconds = (ms: number): number => ms / 1000

/** A checkpoint behind `at` elements, or a few more: where a chunk ends. */
async function cut(
  ds: Dataset<number>,
  at: number,
): Promise<{ checkpoint: Checkpoint; place: number }> {
  const run = ds.iterate({ epoch: 0 })
  for await (const _ of run.chunks()) if (run.delivered >= at) break // closes the run
  return { checkpoint: run.checkpoint(), place: run.delivered }
}

/** Without a checkpoint: all from the start, up to the element behind the first `place`. */
async function runAgain(ds: Dataset<number>, place: number): Promise<number | undefined> {
  let seen = 0
  for await (const chunk of ds.iterate({ epoch: 0 }).chunks()) {
    if (seen + chunk.length > place) return chunk[place - seen]
    seen += chunk.length
  }
  return undefined
}

async function firstOf(run: AsyncIterable<number>): Promise<number | undefined> {
  for await (const x of run) return x
  return undefined
}
