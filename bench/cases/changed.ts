/**
 * What a run with `onlyChanged` takes when little or nothing has changed, beside what a script does: hashes by key in a
 * file of JSON, read before and replaced behind.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, to } from 'millstream'
import { type Benchmark, cpuTime, type Options, type Row, rowOf } from '../harness.ts'

const rounds = 5

interface Doc {
  readonly id: string
  readonly body: string
}

/** Calls that are made, and keys that are told as gone, as `7 calls, 3 gone`. */
type Subject = (docs: readonly Doc[]) => Promise<string>

export const changed: Benchmark = {
  summary:
    'runs over 100,000 documents of which few have changed, beside a script with a file of hashes',
  needsPeers: false,
  run: async ({ quick }: Options) => {
    const count = quick ? 1000 : 100_000
    const folder = mkdtempSync(join(tmpdir(), 'millstream-bench-'))
    try {
      const subjects = {
        millstream: pipeline(join(folder, 'state')),
        'hashes in a file': script(join(folder, 'hashes.json')),
      }
      return await measure(subjects, count)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

async function measure(subjects: Readonly<Record<string, Subject>>, count: number): Promise<Row[]> {
  const all = Array.from({ length: count }, (_, k) => docOf(k, 0))
  for (const subject of Object.values(subjects)) await subject(all)
  const rows: Row[] = []
  let docs = all
  for (const what of ['nothing changed', '7 edited, 3 deleted'] as const) {
    const seconds = new Map<string, number[]>(Object.keys(subjects).map((name) => [name, []]))
    const checks = new Map<string, string>()
    for (let round = 1; round <= rounds; round++) {
      if (what !== 'nothing changed') docs = edited(docs, round)
      for (const [name, subject] of Object.entries(subjects)) {
        let check = ''
        const ms = await cpuTime(async () => (check = await subject(docs)))
        seconds.get(name)?.push(ms / 1000)
        checks.set(name, check)
      }
    }
    for (const [subject, figures] of seconds) {
      const check = checks.get(subject) ?? ''
      rows.push(rowOf({ case: what, subject, unit: 's of CPU', check }, figures))
    }
  }
  return rows
}

function docOf(k: number, version: number): Doc {
  return { id: `docs/${k}`, body: `document ${k}, version ${version}. `.repeat(20) }
}

function edited(docs: readonly Doc[], round: number): Doc[] {
  return docs.slice(3).map((doc, k) => (k < 7 ? { ...doc, body: `${doc.body}${round}` } : doc))
}

function pipeline(state: string): Subject {
  return async (docs) => {
    let calls = 0
    let gone = 0
    const source = Dataset.fromGenerator(() => docs)
    await source
      .onlyChanged({ key: (d) => d.id, by: (d) => d.body })
      .map(
        async ({ id }) => {
          calls++
          return id
        },
        { onError: 'deadLetter' },
      )
      .write(to.call(() => undefined, { size: 1000, prune: (_, keys) => (gone += keys.length) }))
      .run({ state })
    return `${calls} calls, ${gone} gone`
  }
}

function script(path: string): Subject {
  return async (docs) => {
    const before = new Map<string, string>(
      existsSync(path) ? Object.entries(JSON.parse(readFileSync(path, 'utf8')) as object) : [],
    )
    const now: Record<string, string> = {}
    let calls = 0
    for (const { id, body } of docs) {
      const hash = createHash('sha256').update(body).digest('base64')
      if (before.get(id) !== hash) calls++
      now[id] = hash
      before.delete(id)
    }
    writeFileSync(`${path}.next`, JSON.stringify(now))
    renameSync(`${path}.next`, path)
    return `${calls} calls, ${before.size} gone`
  }
}
