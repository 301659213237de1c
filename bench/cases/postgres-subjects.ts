/** Ways of getting rows of 40 columns into a table: Millstream's, and loops as most scripts have them. */
import { Dataset, type Sink } from 'millstream'
import { copy, upsert } from 'millstream/postgres'
import pg from 'pg'
import { importPeer } from '../peers/index.ts'

const COLUMNS = 40

interface Wide {
  readonly id: number
  readonly [column: string]: number | string
}

const names = Array.from({ length: COLUMNS - 1 }, (_, k) => `c${k}`)

/** Makes the empty table `t` anew. */
export const CREATE = `DROP TABLE IF EXISTS t; CREATE UNLOGGED TABLE t (id int PRIMARY KEY, ${names
  .map((name, k) => `${name} ${k % 2 === 0 ? 'float8' : 'text'}`)
  .join(', ')})`

/** How many rows there are, and a hash over all columns of all of them. */
export const CHECK = `SELECT count(*)::int AS rows, md5(string_agg(md5(t::text), '' ORDER BY id)) AS content FROM t`

function wide(id: number): Wide {
  const row: Record<string, number | string> = { id }
  for (let k = 0; k < names.length; k++)
    row[`c${k}`] = k % 2 === 0 ? id * 1.5 + k : `text ${id} ${k}`
  return row as unknown as Wide
}

/** Writes rows 0 to `n - 1` into the table `t` of the database, committed when it resolves. */
export type Subject = (url: string, n: number) => Promise<unknown>

const into = (n: number, sink: Sink<Wide>): Promise<unknown> =>
  Dataset.range(n).map(wide).write(sink).run()

/** Those that write many rows at a time. */
export const inBulk: Readonly<Record<string, Subject>> = {
  millstream: (url, n) => into(n, upsert(url, 't', { key: 'id' })),
  'millstream copy': (url, n) => into(n, copy(url, 't')),
  'pg, 1,000 rows an insert, one transaction': insertMany,
}

/** Those that write a row at a time. */
export const rowByRow: Readonly<Record<string, Subject>> = {
  'drizzle-orm, insert a row': (url, n) => insertByOrm(url, n, false),
  'drizzle-orm, insert a row, one transaction': (url, n) => insertByOrm(url, n, true),
  'pg, insert a row': (url, n) => insertEach(url, n, false),
  'pg, insert a row, one transaction': (url, n) => insertEach(url, n, true),
}

const columns = ['id', ...names].join(', ')

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
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

interface PgCore {
  readonly pgTable: (name: string, columns: Readonly<Record<string, unknown>>) => unknown
  readonly integer: (name: string) => { primaryKey(): unknown }
  readonly doublePrecision: (name: string) => unknown
  readonly text: (name: string) => unknown
}

interface NodePostgres {
  readonly drizzle: (client: pg.Client) => OrmDatabase
}

interface OrmTables {
  insert(table: unknown): {
    values(row: Wide): { onConflictDoNothing(): PromiseLike<unknown> }
  }
}

interface OrmDatabase extends OrmTables {
  transaction(work: (tx: OrmTables) => Promise<void>): Promise<void>
}

/** The loop of an ORM's first page: an insert awaited per row. */
async function insertByOrm(url: string, n: number, transaction: boolean): Promise<void> {
  const { drizzle } = await importPeer<NodePostgres>('drizzle-orm/node-postgres')
  const { pgTable, integer, doublePrecision, text } =
    await importPeer<PgCore>('drizzle-orm/pg-core')
  const typed = names.map((name, k) => [name, k % 2 === 0 ? doublePrecision(name) : text(name)])
  const t = pgTable('t', { id: integer('id').primaryKey(), ...Object.fromEntries(typed) })
  const insertAll = async (database: OrmTables): Promise<void> => {
    for (let id = 0; id < n; id++) await database.insert(t).values(wide(id)).onConflictDoNothing()
  }
  await withClient(url, async (client) => {
    const database = drizzle(client)
    await (transaction ? database.transaction(insertAll) : insertAll(database))
  })
}
