/**
 * What it costs to hand elements over from a worker thread: photos of 150 KB (16 a chunk), records, arrays of 1,024
 * numbers; and how long two workers take to start. Millstream's pipeline, its stage without the pipeline, a ring of
 * shared memory that was written for these elements alone (records as JSON), and pools that clone what they carry.
 */
import { fork } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { answerOf, type Benchmark, type Row, rowOf } from '../harness.ts'
import { urlOfPeer } from '../peers/index.ts'
import type { Job, Outcome } from './threads-process.ts'
import { numbersPerArray, photoBytes } from './threads-work.ts'

/** Plain JavaScript of these files, in a folder in which `millstream` is this package. */
const folder = fileURLToPath(new URL('../../.cache/bench-threads/', import.meta.url))
const sources = ['process', 'subjects', 'ring', 'peer', 'stages', 'work']

const cases: Readonly<Record<Job['work'], { readonly chunks: number; readonly rows: RowsOf }>> = {
  photos: {
    chunks: 150,
    rows: (subject, { wall, own }) => [
      row(
        'photos of 150 KB',
        subject,
        'GB/s',
        wall.map((ns) => photoBytes / ns),
      ),
      row(
        "a photo, consumer's thread",
        subject,
        'us',
        own.map((ns) => ns / 1000),
      ),
    ],
  },
  records: {
    chunks: 150,
    rows: (subject, { wall }) => [
      row(
        'records',
        subject,
        'M/s',
        wall.map((ns) => 1000 / ns),
      ),
    ],
  },
  numbers: {
    chunks: 1500,
    rows: (subject, { wall }) => [
      row(
        '1,024 numbers',
        subject,
        'ns a number',
        wall.map((ns) => ns / numbersPerArray),
      ),
    ],
  },
  start: {
    chunks: 0,
    rows: (subject, { wall }) => [row('two workers ready', subject, 'ms', wall)],
  },
}

type RowsOf = (subject: string, figures: Outcome[string]) => readonly Row[]

export const threads: Benchmark = {
  summary: 'handing elements over from worker threads, and starting them',
  needsPeers: true,
  run: async ({ quick, log }) => {
    await compile()
    const peers = { piscina: urlOfPeer('piscina'), tinypool: urlOfPeer('tinypool') }
    const rows: Row[] = []
    for (const [work, { chunks, rows: of }] of Object.entries(cases)) {
      log(work)
      const job = { work, peers, rounds: quick ? 1 : 9, chunks: quick ? 3 : chunks } as Job
      for (const [subject, figures] of Object.entries(await run(job))) {
        rows.push(...of(subject, figures))
      }
    }
    return rows
  },
}

function row(name: string, subject: string, unit: string, figures: readonly number[]): Row {
  // The process compared what came with what was made.
  return rowOf({ case: name, subject, unit, check: 'all elements came' }, figures)
}

async function compile(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const name of sources) {
    const source = readFileSync(new URL(`./threads-${name}.ts`, import.meta.url), 'utf8')
    const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })
    const linked = code.replace(/(from "\.\/threads-\w+)\.ts"/g, '$1.js"')
    writeFileSync(`${folder}threads-${name}.js`, linked)
  }
}

async function run(job: Job): Promise<Outcome> {
  const child = fork(`${folder}threads-process.js`, [JSON.stringify(job)], { execArgv: [] })
  return answerOf<Outcome>(child, `threads ${job.work}`)
}
