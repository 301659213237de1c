/**
 * Memory: 5 GB of 150 KB elements through shuffle(256) -> map -> batch(32) -> prefetch(2) into a slow reader, as
 * the peak of the process over what it had at its start and what the buffers must hold; and what 100 epochs leave
 * behind, an epoch. A loop written by hand with the same buffers runs beside it.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { answerOf, type Benchmark, type Row, rowOf } from '../harness.ts'
import type { Job, Outcome } from './memory-process.ts'

const rounds = 5
const elementBytes = 150_000
const shuffled = 256
const batched = 32
/** Elements alive at least: the buffer's, a batch being filled, batches ready ahead, one that is read. */
const liveBytes = elementBytes * (shuffled + batched * (1 + 2 + 1))

export const memory: Benchmark = {
  summary: 'peak memory of 5 GB through shuffle, map, batch and prefetch; growth over 100 epochs',
  needsPeers: false,
  run: async ({ quick, log }) => {
    const elements = quick ? 600 : 34_000
    const rows: Row[] = []
    const peaks = new Map<string, number[]>()
    const checks = new Map<string, string>()
    const slopes: number[] = []
    for (let k = 0; k < (quick ? 1 : rounds); k++) {
      for (const subject of ['millstream', 'plain loop'] as const) {
        const job = { subject, elements, elementBytes, shuffled, batched, epochs: 0 }
        const outcome = await run(job)
        log(`${subject}: peak ${megabytes(outcome.peak)} MB over ${megabytes(outcome.base)} MB`)
        const over = outcome.peak - outcome.base - liveBytes
        peaks.set(subject, [...(peaks.get(subject) ?? []), Math.max(0.1, over / 1e6)])
        checks.set(subject, outcome.check)
      }
      const epochs = {
        subject: 'millstream',
        elements: 64,
        elementBytes,
        shuffled,
        batched,
      } as const
      const { slope } = await run({ ...epochs, epochs: quick ? 10 : 100 })
      slopes.push(slope / 1000)
    }
    for (const [subject, figures] of peaks) {
      const unit = 'MB over base and live buffers'
      const check = checks.get(subject) ?? ''
      rows.push(rowOf({ case: 'peak', subject, unit, check }, figures))
    }
    rows.push(
      rowOf({ case: 'growth', subject: 'millstream', unit: 'KB an epoch', check: '' }, slopes),
    )
    return rows
  },
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6)

async function run(job: Job): Promise<Outcome> {
  const path = fileURLToPath(new URL('./memory-process.ts', import.meta.url))
  const child = fork(path, [JSON.stringify(job)], {
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  const ended = once(child, 'exit')
  const outcome = await answerOf<Outcome>(child, job.subject)
  await ended // the next one has the machine to itself
  return outcome
}
