/**
 * The cases of tf.data's performance guide, with its sleeps: opening, reading, mapping and training, over the time that
 * they must take at least. Beside tf.data where `MILLSTREAM_TF_PYTHON` names a python that has tensorflow.
 */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Dataset } from 'millstream'
import { type Benchmark, median, type Options, type Row, rowOf, time } from '../harness.ts'

/** Milliseconds. */
interface Sleeps {
  readonly open: number
  readonly read: number
  readonly map: number
  readonly train: number
}

const asked: Sleeps = { open: 30, read: 15, map: 30, train: 10 }
const samples = 3

async function* make(): AsyncGenerator<number> {
  await sleep(asked.open)
  for (let k = 0; k < samples; k++) {
    await sleep(asked.read)
    yield k
  }
}

const artificial = (): Dataset<number> => Dataset.fromGenerator(make)

async function mapped(x: number): Promise<number> {
  await sleep(asked.map)
  return x
}

interface Case {
  readonly dataset: () => Dataset<number>
  readonly epochs: number
  /** Milliseconds that an epoch takes at least, of what overlaps in it. */
  readonly bound: (sleeps: Sleeps) => number
}

const cases: Readonly<Record<string, Case>> = {
  naive: {
    dataset: artificial,
    epochs: 2,
    bound: ({ open, read, train }) => 2 * (open + samples * (read + train)),
  },
  prefetch: {
    dataset: () => artificial().prefetch(),
    epochs: 2,
    bound: ({ open, read, train }) => 2 * (open + samples * read + train),
  },
  'sequential interleave': {
    dataset: () => Dataset.range(2).interleave(artificial, { cycleLength: 2 }),
    epochs: 2,
    bound: ({ open, read, train }) => 4 * (open + samples * (read + train)),
  },
  'parallel interleave': {
    dataset: () =>
      Dataset.range(2).interleave(artificial, { cycleLength: 2, parallelism: 2 }).prefetch(),
    epochs: 2,
    bound: ({ open, read, train }) => 2 * (open + read + 2 * samples * train),
  },
  'sequential map': {
    dataset: () => artificial().map(mapped, { parallelism: 1 }),
    epochs: 2,
    bound: ({ open, read, map, train }) => 2 * (open + samples * (read + map + train)),
  },
  'parallel map': {
    dataset: () => artificial().map(mapped).prefetch(),
    epochs: 2,
    bound: ({ open, read, map, train }) => 2 * (open + samples * read + map + train),
  },
  cache: {
    dataset: () => artificial().map(mapped, { parallelism: 1 }).cache(),
    epochs: 5,
    bound: ({ open, read, map, train }) =>
      open + samples * (read + map + train) + 4 * samples * train,
  },
}

export const guide: Benchmark = {
  summary: "tf.data's performance guide: wall time over the least that its sleeps allow",
  needsPeers: false,
  run: async (options) => {
    const rounds = options.quick ? 1 : 9
    const sleeps = await measuredSleeps(options.quick ? 2 : 40)
    const tensorflow = options.quick ? undefined : await tfData(options)
    const rows: Row[] = []
    for (const [name, { dataset, epochs, bound }] of Object.entries(cases)) {
      const ratios: number[] = []
      for (let k = 0; k < rounds; k++) {
        const one = dataset()
        ratios.push((await time(() => trainOn(one, epochs, name))) / bound(sleeps))
      }
      const row = (subject: string, figures: readonly number[]): Row =>
        rowOf({ case: name, subject, unit: 'x ideal', check: `${epochs} epochs` }, figures)
      rows.push(row('millstream', ratios))
      const seconds = tensorflow?.[name]
      if (seconds !== undefined) rows.push(row('tf.data', [(1000 * seconds) / bound(asked)]))
    }
    return rows
  },
}

async function trainOn(dataset: Dataset<number>, epochs: number, name: string): Promise<void> {
  const each = name.endsWith('interleave') ? 2 * samples : samples
  for (let k = 0; k < epochs; k++) {
    let count = 0
    for await (const _ of dataset) {
      await sleep(asked.train)
      count++
    }
    if (count !== each) throw new Error(`${name}: ${count} elements instead of ${each}`)
  }
}

/** Timers ring late, by up to a millisecond and more: the bound is of the sleeps as they are on this machine, now. */
async function measuredSleeps(rounds: number): Promise<Sleeps> {
  const entries: [string, number][] = []
  for (const [name, ms] of Object.entries(asked)) {
    const figures: number[] = []
    for (let k = 0; k < rounds; k++) figures.push(await time(() => sleep(ms)))
    entries.push([name, median(figures)])
  }
  return Object.fromEntries(entries) as unknown as Sleeps
}

/** Seconds of each case in tf.data, whose sleeps are exact; undefined where there is none. */
async function tfData({ log }: Options): Promise<Readonly<Record<string, number>> | undefined> {
  const python = process.env['MILLSTREAM_TF_PYTHON']
  if (python === undefined) {
    log('tf.data is skipped: set MILLSTREAM_TF_PYTHON to a python that has tensorflow')
    return undefined
  }
  const script = fileURLToPath(import.meta.resolve('../peers/guide.py'))
  const { stdout } = await promisify(execFile)(python, [script])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Readonly<Record<string, number>>
}
