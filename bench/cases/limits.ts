/**
 * How much of a paid API's quota is used, and how many calls are wasted? 100,000 documents are embedded in
 * 2,000 calls by an API of 1 M tokens a minute, whose minutes take two seconds here. It is an HTTP server that
 * really refuses; the subjects are processes of their own.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type FakeApi, fakeApi } from 'millstream/testing'
import { type Benchmark, type Options, type Row, rowOf } from '../harness.ts'
import { type Batch, perBatch, type Work } from './limits-work.ts'

const speed = 30
const quota = { requests: 5000, tokens: 1_000_000 }

interface Case {
  readonly name: string
  /** Subjects by the name in the table; more than one process share the documents. */
  readonly subjects: readonly {
    readonly name: string
    readonly as: string
    readonly processes: number
  }[]
  /** Halve the quota when half of the documents are through. */
  readonly halved: boolean
}

const own = [
  { name: 'millstream', as: 'declared', processes: 1 },
  { name: 'millstream undeclared', as: 'undeclared', processes: 1 },
]

const cases: readonly Case[] = [
  {
    name: 'steady',
    halved: false,
    subjects: [
      ...own,
      { name: 'millstream, 2 processes', as: 'undeclared', processes: 2 },
      { name: 'p-limit 32, 8 retries', as: 'p-limit 32, 8 retries', processes: 1 },
      { name: 'Promise.all of 100, 2 retries', as: 'Promise.all of 100, 2 retries', processes: 1 },
    ],
  },
  { name: 'quota halved midway', halved: true, subjects: own },
]

/** What is told of each subject. */
interface Figures {
  readonly 'quota used, %': number
  readonly 'refused, %': number
  readonly 'work lost, %': number
  readonly 'calls inside a Retry-After': number
  readonly seconds: number
}

/** What a process says of itself. */
interface Outcome {
  readonly lost: number
  /** Calls sent before the time that a refusal it had read named. */
  readonly early: number
  readonly seconds: number
}

export const limits: Benchmark = {
  summary: 'a rate-limited API: quota used, calls refused, work lost',
  needsPeers: true,
  run: async (options) => {
    const rows: Row[] = []
    for (const { name, halved, subjects } of cases) {
      for (const subject of subjects) {
        const figures = await measure(subject, halved, options)
        const check = `${documentsOf(options)} documents`
        for (const [unit, figure] of Object.entries(figures)) {
          const what = { case: `${name}: ${unit}`, subject: subject.name, unit: '', check }
          rows.push(rowOf(what, [figure]))
        }
      }
    }
    return rows.toSorted((a, b) => order(a) - order(b))
  },
}

/** Rows of a figure stand together. */
function order({ case: name }: Row): number {
  const [title = ''] = name.split(':')
  const figure = ['quota', 'refused', 'work', 'calls', 'seconds'].findIndex((word) =>
    name.includes(`: ${word}`),
  )
  return cases.findIndex((one) => one.name === title) * 10 + figure
}

function documentsOf({ quick }: Options): number {
  return quick ? 5_000 : 100_000
}

async function measure(
  { name, as, processes }: Case['subjects'][number],
  halved: boolean,
  options: Options,
): Promise<Figures> {
  const api = await fakeApi({
    quota,
    speed,
    // A third of a second of ours: less than that, timers are late by on a busy machine.
    burst: '10s',
    latency: [200, 900],
    tokens: (batch: Batch) => batch.tokens,
    answer: ({ documents }: Batch) => ({ documents }),
  })
  const documents = documentsOf(options)
  const watch = halved ? halveMidway(api, documents / perBatch / 2) : undefined
  const share = documents / processes
  const outcomes = await Promise.all(
    Array.from({ length: processes }, (_, k) =>
      run({ subject: as, url: api.url, documents: share, first: k * share, quota, speed }),
    ),
  )
  clearInterval(watch)
  const { stats } = api
  const lost = outcomes.reduce((sum, one) => sum + one.lost, 0)
  await api.close()
  const figures = {
    'quota used, %': 100 * stats.share,
    'refused, %': (100 * stats.refused) / stats.calls,
    'work lost, %': (100 * lost) / documents,
    'calls inside a Retry-After': outcomes.reduce((sum, one) => sum + one.early, 0),
    seconds: Math.max(...outcomes.map(({ seconds }) => seconds)),
  }
  options.log(`${name}${halved ? ', quota halved' : ''}: ${JSON.stringify(figures)}`)
  return figures
}

function halveMidway(api: FakeApi<Batch>, calls: number): NodeJS.Timeout {
  const watch = setInterval(() => {
    if (api.stats.served < calls) return
    api.setQuota({ requests: quota.requests / 2, tokens: quota.tokens / 2 })
    clearInterval(watch)
  }, 10)
  return watch
}

async function run(work: Work): Promise<Outcome> {
  const file = fileURLToPath(new URL('limits-process.ts', import.meta.url))
  const args = ['--import', 'tsx', file, JSON.stringify(work)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Outcome
}
