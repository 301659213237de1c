/**
 * Rows of 40 columns into PostgreSQL: microseconds a row, beside a loop over rows of an ORM, as most scripts have it.
 * Everything is committed, position and all; the server runs on the same machine, without waiting for its disk.
 */
import { noServer, type Server, startServer } from '../../test/postgres/server.ts'
import { type Benchmark, CheckMismatch, type Row, rowOf, time } from '../harness.ts'
import { CHECK, CREATE, inBulk, rowByRow, type Subject } from './postgres-subjects.ts'

const ROUNDS = 5

/** Subjects that write the same number of rows; what a row takes is compared between the cases. */
interface Group {
  readonly subjects: Readonly<Record<string, Subject>>
  readonly rows: number
}

export const postgres: Benchmark = {
  summary:
    'rows of 40 columns into PostgreSQL, beside an ORM’s row-by-row loop and multi-row inserts',
  needsPeers: true,
  run: async ({ quick, log }) => {
    if (noServer !== undefined) throw new Error(noServer)
    const groups: readonly Group[] = [
      { subjects: inBulk, rows: quick ? 2000 : 100_000 },
      // A row costs the same at any number, and these take long.
      { subjects: rowByRow, rows: quick ? 200 : 20_000 },
    ]
    const server = await startServer()
    try {
      return await measure(server, groups, log)
    } finally {
      await server.stop()
    }
  },
}

async function measure(
  server: Server,
  groups: readonly Group[],
  log: (line: string) => void,
): Promise<Row[]> {
  const figures = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const { subjects, rows } of groups) {
      const contents = new Map<string, string>()
      for (const [subject, work] of Object.entries(subjects)) {
        await server.query(CREATE)
        const ms = await time(() => work(server.url, rows))
        figures.set(subject, [...(figures.get(subject) ?? []), (ms * 1000) / rows])
        contents.set(subject, await contentOf(server, rows))
        log(`round ${round + 1}: ${subject}, ${Math.round((ms * 1000) / rows)} us a row`)
      }
      if (new Set(contents.values()).size > 1)
        throw new CheckMismatch(`tables differ: ${JSON.stringify([...contents])}`)
    }
  }
  return [...figures].map(([subject, all]) =>
    rowOf({ case: '40 columns', subject, unit: 'us/row', check: 'each row, byte for byte' }, all),
  )
}

/** A hash over all rows of the table. */
async function contentOf(server: Server, n: number): Promise<string> {
  const { rows } = await server.query(CHECK)
  if (rows[0]?.['rows'] !== n)
    throw new CheckMismatch(`${n} rows were to be written: ${JSON.stringify(rows)}`)
  return String(rows[0]['content'])
}
