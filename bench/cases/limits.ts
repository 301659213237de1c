/**
 * How much of a paid API's quota is used, and how many calls are wasted? 100,000 documents are embedded in
 * 2,000 calls by an API of 1 M tokens a minute, whose minutes take six seconds here: in less, timers that are late on a busy
 * machine cost more of the quota than anything else. It is an HTTP server that
 * really refuses; the subjects are processes of their own.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type FakeApi, fakeApi, type FakeApiStats } from 'millstream/testing'
import { type Benchmark, CheckMismatch, type Options, type Row, rowOf } from '../harness.ts'
import { type Batch, perBatch, type Work } from './limits-work.ts'

const speed = 10
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
      { name: 'millstream, 2 processes', as: 'declared, shared', processes: 2 },
      { name: 'millstream undeclared, 2 processes', as: 'undeclared, shared', processes: 2 },
      { name: 'p-limit 32, 8 retries', as: 'p-limit 32, 8 retries', processes: 1 },
      { name: 'Promise.all of 100, 2 retries', as: 'Promise.all of 100, 2 retries', processes: 1 },
    ],
  },
  { name: 'quota halved midway', halved: true, subjects: own },
]

/** Units of what is told of each subject. */
const units = {
  calls: 'calls',
  'quota used': '%',
  refused: '%',
  'work lost': '%',
  'calls inside a Retry-After': 'calls',
  time: 's',
} as const

type Figures = Readonly<Record<keyof typeof units, number>>

/** What a process says of itself: documents, and its time. */
interface Outcome {
  readonly done: number
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
      const measured: { subject: string; figures: Figures; check: string }[] = []
      for (const one of subjects) {
        measured.push({ subject: one.name, ...(await measure(one, halved, options)) })
      }
      for (const figure of Object.keys(units) as (keyof typeof units)[]) {
        for (const { subject, figures, check } of measured) {
          const what = { case: `${name}: ${figure}`, subject, unit: units[figure], check }
          rows.push(rowOf(what, [figures[figure]]))
        }
      }
    }
    return rows
  },
}

function documentsOf({ quick }: Options): number {
  return quick ? 5_000 : 100_000
}

async function measure(
  { name, as, processes }: Case['subjects'][number],
  halved: boolean,
  options: Options,
): Promise<{ figures: Figures; check: string }> {
  const api = await fakeApi({
    quota,
    speed,
    // A second of ours: timers are late by less than that, also on a busy machine.
    burst: '10s',
    latency: [200, 900],
    tokens: (batch: Batch) => batch.tokens,
    answer: ({ documents }: Batch) => ({ documents }),
  })
  const folder = await mkdtemp(join(tmpdir(), 'millstream-bench-'))
  const documents = documentsOf(options)
  const watch = halved ? halveMidway(api, documents / perBatch / 2) : undefined
  const share = documents / processes
  try {
    const outcomes = await Promise.all(
      Array.from({ length: processes }, (_, k) =>
        run({
          subject: as,
          url: api.url,
          documents: share,
          first: k * share,
          quota,
          folder,
          speed,
        }),
      ),
    )
    const figures = figuresOf(outcomes, api.stats, documents)
    options.log(`${name}${halved ? ', quota halved' : ''}: ${JSON.stringify(figures)}`)
    return { figures, check: checkOf(name, outcomes, documents) }
  } finally {
    clearInterval(watch)
    await api.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function figuresOf(outcomes: readonly Outcome[], stats: FakeApiStats, documents: number): Figures {
  const lost = outcomes.reduce((sum, one) => sum + one.lost, 0)
  return {
    calls: stats.calls,
    'quota used': 100 * stats.share,
    refused: (100 * stats.refused) / stats.calls,
    'work lost': (100 * lost) / documents,
    'calls inside a Retry-After': outcomes.reduce((sum, one) => sum + one.early, 0),
    time: Math.max(...outcomes.map(({ seconds }) => seconds)),
  }
}

/** All documents were embedded, or given up as lost. */
function checkOf(subject: string, outcomes: readonly Outcome[], documents: number): string {
  const dealtWith = outcomes.reduce((sum, { done, lost }) => sum + done + lost, 0)
  if (dealtWith === documents) return `${documents} documents`
  throw new CheckMismatch(`${subject}: ${dealtWith} documents of ${documents}`)
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
