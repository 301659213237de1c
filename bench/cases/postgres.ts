/**
 * Rows of 40 columns into PostgreSQL: microseconds a row, beside loops over rows as most scripts have them. Everything is
 * committed, position and all; the server runs on the same machine, without waiting for its disk.
 */
import { Dataset, type Sink } from 'millstream'
import { copy, upsert } from 'millstream/postgres'
import pg from 'pg'
import { noServer, type Server, startServer } from '../../test/postgres/server.ts'
import { type Benchmark, type Row, rowOf, time } from '../harness.ts'

const ROUNDS = 5
const COLUMNS = 40

interface Wide {
  readonly id: number
  readonly [column: string]: number | string
}

const names = Array.from({ length: COLUMNS - 1 }, (_, k) => `c${k}`)

export const postgres: Benchmark = {
  summary: 'rows of 40 columns into PostgreSQL, beside a row-by-row loop and multi-row inserts',
  needsPeers: false,
  run: async ({ quick, log }) => {
    if (noServer !== undefined) throw new Error(noServer)
    const server = await startServer()
    try {
      return await measure(server, quick ? 200 : 100_000, quick ? 50 : 5_000, log)
    } finally {
      await server.stop()
    }
  },
}

async function measure(
  server: Server,
  many: number,
  few: number,
  log: (line: string) => void,
): Promise<Row[]> {
  const subjects: Readonly<Record<string, readonly [number, (n: number) => Promise<unknown>]>> = {
    millstream: [many, (n) => into(n, upsert(server.url, 't', { key: 'id' }))],
    'millstream copy': [many, (n) => into(n, copy(server.url, 't'))],
    'insert a row, commit': [few, (n) => insertEach(server.url, n, false)],
    'insert a row, one transaction': [few, (n) => insertEach(server.url, n, true)],
    'insert 1,000 rows, one transaction': [many, (n) => insertMany(server.url, n)],
  }
  const figures = new Map<string, number[]>()
  const checks = new Map<string, string>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [subject, [n, work]] of Object.entries(subjects)) {
      await server.query(
        `DROP TABLE IF EXISTS t; CREATE UNLOGGED TABLE t (id int PRIMARY KEY, ${names
          .map((name, k) => `${name} ${k % 2 === 0 ? 'float8' : 'text'}`)
          .join(', ')})`,
      )
      const ms = await time(() => work(n))
      figures.set(subject, [...(figures.get(subject) ?? []), (ms * 1000) / n])
      checks.set(subject, await check(server, n))
      log(`round ${round + 1}: ${subject}, ${Math.round((ms * 1000) / n)} us a row`)
    }
  }
  return [...figures].map(([subject, all]) =>
    rowOf({ case: '40 columns', subject, unit: 'us/row', check: checks.get(subject) ?? '' }, all),
  )
}

function wide(id: number): Wide {
  const row: Record<string, number | string> = { id }
  for (let k = 0; k < names.length; k++)
    row[`c${k}`] = k % 2 === 0 ? id * 1.5 + k : `text ${id} ${k}`
  return row as unknown as Wide
}

function into(n: number, sink: Sink<Wide>): Promise<unknown> {
  return Dataset.range(n).map(wide).write(sink).run()
}

const columns = ['id', ...names].join(', ')

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await work(client)
  await client.end()
}

async function insertEach(url: string, n: number, transaction: boolean): Promise<void> {
  const places = Array.from({ length: COLUMNS }, (_, k) => `$${k + 1}`).join(', ')
  const text = `INSERT INTO t (${columns}) VALUES (${places}) ON CONFLICT (id) DO NOTHING`
  await withClient(url, async (client) => {
    if (transaction) await client.query('BEGIN')
    for (let id = 0; id < n; id++) {
      await client.query({ name: 'insert', text, values: Object.values(wide(id)) })
    }
    if (transaction) await client.query('COMMIT')
  })
}

async function insertMany(url: string, n: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('BEGIN')
    for (let start = 0; start < n; start += 1000) {
      const rows = Array.from({ length: Math.min(1000, n - start) }, (_, k) => wide(start + k))
      const places = rows.map(
        (_, r) =>
          `(${Array.from({ length: COLUMNS }, (__, k) => `$${r * COLUMNS + k + 1}`).join(', ')})`,
      )
      await client.query(
        `INSERT INTO t (${columns}) VALUES ${places.join(', ')} ON CONFLICT (id) DO NOTHING`,
        rows.flatMap((row) => Object.values(row)),
      )
    }
    await client.query('COMMIT')
  })
}

/** What the same rows give, however many they are. */
async function check(server: Server, n: number): Promise<string> {
  const { rows } = await server.query(
    `SELECT count(*)::int AS rows, count(*) FILTER (WHERE c0 = id * 1.5::float8
       AND c37 = 'text ' || id || ' 37' AND c38 = id * 1.5::float8 + 38)::int AS right FROM t`,
  )
  const right = rows[0]?.['rows'] === n && rows[0]['right'] === n
  return right ? 'every row as it was made' : `of ${n} rows: ${JSON.stringify(rows[0])}`
}
