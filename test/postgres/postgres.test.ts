import { Dataset } from 'millstream'
import { copy, table, upsert } from 'millstream/postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { noServer, type Server, startServer } from './server.ts'

describe.skipIf(noServer !== undefined)('PostgreSQL', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(() => server.query('DROP TABLE IF EXISTS t, u, s.t'))

  const rows = async (from = 't', order = 'id'): Promise<readonly Record<string, unknown>[]> =>
    (await server.query(`SELECT * FROM ${from} ORDER BY ${order}`)).rows

  test('copy appends rows, with all kinds of values', async () => {
    await server.query(`CREATE TABLE t (
      id int PRIMARY KEY, big bigint, x float8, r real, n numeric(10,2), ok boolean, name text,
      at timestamptz, wall timestamp, day date, doc jsonb, tags text[], grid int[][], bytes bytea,
      docs jsonb[], made int GENERATED ALWAYS AS (id * 2) STORED, late int DEFAULT 7)`)
    const day = new Date(2024, 1, 29, 13, 5, 6, 789)
    const row = {
      id: 1,
      big: 2n ** 62n,
      x: 0.1,
      r: Number.NaN,
      n: 12.5,
      ok: true,
      name: 'tab\t feed\n back\\ \\N "quote" é 🎈',
      at: day,
      wall: day,
      day: new Date(2024, 1, 29),
      doc: { a: [1, 'x', null], b: 'tab\t' },
      tags: ['a', 'b "c"', '', null, 'NULL', 'back\\'],
      grid: [
        [1, 2],
        [3, 4],
      ],
      bytes: new Uint8Array([0, 92, 255]),
      docs: [{ a: 1 }, [2]],
    }
    await Dataset.fromArray([row]).write(copy(server.url, 't')).run()
    const [read] = await rows()
    expect(read).toEqual({
      ...row,
      big: '4611686018427387904',
      n: '12.50',
      bytes: Buffer.from([0, 92, 255]),
      made: 2,
      late: 7,
    })
  })

  test('rows with other members get defaults, in the order in which they came', async () => {
    await server.query(`CREATE TABLE t (id serial, a text DEFAULT 'none', b text)`)
    const some = [{ a: 'x' }, { b: 'y' }, { b: 'z', a: undefined }, { a: null, b: 'w' }]
    await Dataset.fromArray(some).write(copy(server.url, 't')).run()
    expect(await rows()).toEqual([
      { id: 1, a: 'x', b: null },
      { id: 2, a: 'none', b: 'y' },
      { id: 3, a: 'none', b: 'z' },
      { id: 4, a: null, b: 'w' },
    ])
  })

  test('upsert inserts and updates by key; the last of several counts; other columns stay', async () => {
    await server.query(`CREATE SCHEMA IF NOT EXISTS s;
      CREATE TABLE s.t (id int, lang text, body text, kept text DEFAULT 'k', PRIMARY KEY (lang, id));
      INSERT INTO s.t VALUES (1, 'en', 'old', 'mine'), (9, 'en', 'stays', 'k')`)
    const some = [
      { id: 1, lang: 'en', body: 'first' },
      { id: 2, lang: 'en', body: 'two' },
      { id: 1, lang: 'en', body: 'last' },
      { id: 1, lang: 'de', body: 'eins' },
    ]
    const sink = upsert<(typeof some)[number]>(server.url, 's.t', { key: ['id', 'lang'] })
    await Dataset.fromArray(some).write(sink).run()
    expect(await rows('s.t', 'lang, id')).toEqual([
      { id: 1, lang: 'de', body: 'eins', kept: 'k' },
      { id: 1, lang: 'en', body: 'last', kept: 'mine' },
      { id: 2, lang: 'en', body: 'two', kept: 'k' },
      { id: 9, lang: 'en', body: 'stays', kept: 'k' },
    ])
  })

  test('no limit of parameters: 3,000 rows of 60 columns at once', async () => {
    const names = Array.from({ length: 60 }, (_, k) => `c${k}`)
    await server.query(`CREATE TABLE t (${names.join(' int, ')} int, id int PRIMARY KEY)`)
    const wide = Dataset.range(3000).map((id) => ({
      id,
      ...Object.fromEntries(names.map((name, k) => [name, id + k])),
    }))
    const summary = await wide.write(upsert(server.url, 't', { key: 'id' })).run()
    expect(summary.delivered).toBe(3000)
    expect(
      (await server.query('SELECT count(*)::int AS n, sum(c59)::int AS s FROM t')).rows,
    ).toEqual([{ n: 3000, s: 2999 * 1500 + 59 * 3000 }])
  })

  test.each(['copy', 'upsert'] as const)(
    '%s: a bad row is named with its number, its first member and the column',
    async (how) => {
      await server.query(
        'CREATE TABLE t (id int PRIMARY KEY, price int NOT NULL CHECK (price < 5000))',
      )
      const bad = async (row: object): Promise<string> => {
        const some = Dataset.range(3000).map((id): object =>
          id === 1234 ? row : { id, price: id },
        )
        const sink =
          how === 'copy'
            ? copy<object>(server.url, 't')
            : upsert<{ id?: number }>(server.url, 't', { key: 'id' })
        const failed = await some
          .write(sink, { every: { ms: 60_000 } })
          .run()
          .then(
            () => 'no error',
            (error: Error & { code?: string }) => `${error.code} ${error.message}`,
          )
        expect(await rows()).toEqual([])
        return failed
      }
      expect(await bad({ id: 1234, price: 'dear' })).toMatch(
        /^MILLSTREAM_DATA \w+\(t\), row 1235 \(id 1234\): column price: invalid input syntax for type integer: "dear"/,
      )
      expect(await bad({ id: 1234, price: null })).toMatch(
        /row 1235 \(id 1234\): column price: null value in column "price"/,
      )
      expect(await bad({ id: 1234, price: 5000 })).toMatch(
        /row 1235 \(id 1234\): .*violates check constraint "t_price_check"/,
      )
      expect(await bad({ id: 1234, prise: 1 })).toMatch(
        /row 1235 \(id 1234\): table t has no column prise; it has id, price/,
      )
      expect(await bad({ id: 1234, price: [1] })).toMatch(
        /row 1235 \(id 1234\): column price: an array does not fit into integer/,
      )
    },
  )

  test('a row that begins with a bigint is named like any other', async () => {
    await server.query('CREATE TABLE t (id bigint, price int)')
    const row = Dataset.fromArray([{ id: 2n ** 62n, price: 'dear' }])
    await expect(row.write(copy(server.url, 't')).run()).rejects.toThrow(
      /row 1 \(id 4611686018427387904\): column price: invalid input syntax/,
    )
  })

  test('JSON is stored as it is, or refused with its column and member', async () => {
    await server.query('CREATE TABLE t (id int, doc jsonb, docs json[])')
    const write = (row: object) => Dataset.fromArray([row]).write(copy(server.url, 't')).run()
    const vector = { v: new Float32Array([0.1, 2]), on: new Date(0), tags: new Set(['a']) }
    await write({ id: 1, doc: vector, docs: [vector.v] })
    expect(await rows()).toEqual([
      {
        id: 1,
        doc: { v: [0.1, 2], on: '1970-01-01T00:00:00.000Z', tags: ['a'] },
        docs: [[0.1, 2]],
      },
    ])
    await expect(write({ id: 2, doc: { loss: [0, NaN] } })).rejects.toThrow(
      'row 1 (id 2): column doc (jsonb): .loss[1]: NaN has no JSON',
    )
    await expect(write({ id: 3, docs: [{ n: 1n }] })).rejects.toThrow(
      'column docs (json): .n: the bigint 1 has no JSON',
    )
    expect(await rows()).toHaveLength(1)
  })

  test('mistakes are named with what mends them', async () => {
    await server.query('CREATE TABLE t (id int, a int)')
    const one = Dataset.fromArray([{ id: 1, a: 1 }])
    await expect(one.write(upsert(server.url, 't', { key: 'id' })).run()).rejects.toThrow(
      'CREATE UNIQUE INDEX ON "t" ("id")',
    )
    await expect(one.write(copy(server.url, 'nowhere')).run()).rejects.toThrow(
      /no table nowhere .* create it/,
    )
    await expect(
      one.write(copy(server.url.replace(/\/postgres$/, '/other'), 't')).run(),
    ).rejects.toThrow(/database "other" does not exist. Check the connection/)
    expect(() => copy('', 't')).toThrow('is its environment variable set')
  })

  test('a table is read in the order of its key, page by page, and resumed at any row', async () => {
    await server.query(`CREATE TABLE t (a text, b timestamptz, v int, PRIMARY KEY (a, b));
      INSERT INTO t SELECT 'k' || i % 7, '2024-01-01'::timestamptz + i * '1 microsecond'::interval, i
      FROM generate_series(1, 50) i`)
    interface R {
      readonly a: string
      readonly v: number
    }
    const read = table<R>(server.url, 't', { key: ['a', 'b'], pageSize: 8 }).map(
      ({ a, v }) => `${a} ${v}`,
    )
    const all = (await rows('t', 'a, b')).map(({ a, v }) => `${String(a)} ${String(v)}`)
    expect(await read.toArray()).toEqual(all)
    for (const n of [1, 7, 8, 9, 33, 50]) {
      const iteration = read.iterate()
      const head: string[] = []
      for await (const x of iteration) if (head.push(x) === n) break
      const rest: string[] = []
      for await (const x of read.resume(iteration.checkpoint())) rest.push(x)
      expect([...head, ...rest]).toEqual(all)
    }
    const { rows: left } = await server.query(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = 'millstream'`,
    )
    expect(left).toEqual([])
  })

  test('from a table into a table', async () => {
    await server.query(`CREATE TABLE t (id int PRIMARY KEY, v int);
      INSERT INTO t SELECT i, i * i FROM generate_series(1, 2500) i; CREATE TABLE u (LIKE t INCLUDING ALL)`)
    interface R {
      readonly id: number
      readonly v: number
    }
    const doubled = table<R>(server.url, 't', { key: 'id' }).map(({ id, v }) => ({ id, v: v * 2 }))
    const summary = await doubled.write(upsert(server.url, 'u', { key: 'id' })).run()
    expect(summary.delivered).toBe(2500)
    expect(
      (await server.query('SELECT count(*)::int AS n FROM u JOIN t USING (id) WHERE u.v = 2 * t.v'))
        .rows,
    ).toEqual([{ n: 2500 }])
  })
})
