import { join } from 'node:path'
import { Dataset } from 'millstream'
import { table, upsert } from 'millstream/postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { command } from '../cli/command.ts'
import { Hold } from '../cli/hold.ts'
import { testFolder } from '../folder.ts'
import { KILLS, killed } from '../sinks/chaos.ts'
import { noServer, type Server, startServer } from './server.ts'

interface Doc {
  readonly id: number
  readonly body: string
}

interface Chunk {
  readonly id: string
  readonly doc: number
  readonly text: string
}

describe.skipIf(noServer !== undefined)('PostgreSQL, onlyChanged', () => {
  let server: Server
  let state = ''
  beforeAll(async () => {
    server = await startServer()
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    state = testFolder()
    await server.query(`DROP TABLE IF EXISTS docs, chunks, source, out;
      CREATE TABLE docs (id int PRIMARY KEY, body text);
      INSERT INTO docs SELECT i, 'first ' || i FROM generate_series(1, 300) i;
      CREATE TABLE chunks (id text PRIMARY KEY, doc int, text text)`)
  })

  const one = async (text: string): Promise<unknown> => (await server.query(text)).rows[0]

  let calls: number[] = []
  const chunksOf = ({ id, body }: Doc): Chunk[] =>
    [0, 1].map((k) => ({ id: `${id}/${k}`, doc: id, text: body }))
  const pipeline = (broken = false) =>
    table<Doc>(server.url, 'docs', { key: 'id', pageSize: 50 })
      .map((doc) => {
        if (broken && doc.id > 200) throw new Error('the source broke')
        return doc
      })
      .onlyChanged({ key: (d) => d.id, by: (d) => d.body })
      .map(async (doc) => {
        calls.push(doc.id)
        return doc
      })
      .flatMap(chunksOf)
      .write(upsert(server.url, 'chunks', { key: 'id', prune: 'doc' }), { state })

  test('7 edited and 3 deleted: 7 calls, 3 pruned; a source that broke prunes nothing', async () => {
    calls = []
    await pipeline().run()
    expect(calls.length).toBe(300)
    calls = []
    expect((await pipeline().run()).changes).toMatchObject({ unchanged: 300, pruned: 0 })
    expect(calls).toEqual([])
    await server.query(`UPDATE docs SET body = 'edited' WHERE id <= 7;
      DELETE FROM docs WHERE id IN (100, 200, 300)`)
    await expect(pipeline(true).run()).rejects.toThrow('the source broke')
    expect(await one('SELECT count(*)::int AS n FROM chunks')).toEqual({ n: 600 })
    expect((await pipeline().run()).changes).toMatchObject({ complete: false, pruned: 0 })
    expect((await pipeline().run()).changes).toMatchObject({ deleted: 3, pruned: 3 })
    expect(calls).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(
      await one(`SELECT count(*)::int AS n, count(*) FILTER (WHERE text = 'edited')::int AS edited,
        count(*) FILTER (WHERE doc IN (100, 200, 300))::int AS gone FROM chunks`),
    ).toEqual({ n: 594, edited: 14, gone: 0 })
  })

  test('keys of several columns and of other types; a key that fits no column is said', async () => {
    await server.query(
      `CREATE TABLE out (tenant text, at date, n numeric, PRIMARY KEY (at, tenant))`,
    )
    const all = [
      { tenant: `it's`, at: '2024-01-01', n: 1 },
      { tenant: 'b', at: '2024-01-01', n: 2 },
      { tenant: `it's`, at: '2024-01-02', n: 3 },
    ]
    const run = (rows: typeof all, key: (row: (typeof all)[number]) => string | string[]) =>
      Dataset.fromArray(rows)
        .onlyChanged({ key })
        .write(upsert(server.url, 'out', { key: ['tenant', 'at'], prune: true }), { state })
        .run()
    await run(all, (r) => [r.tenant, r.at])
    await run(all.slice(1), (r) => [r.tenant, r.at])
    expect((await server.query('SELECT n::int FROM out ORDER BY n')).rows).toEqual([
      { n: 2 },
      { n: 3 },
    ])
    const back = await run(all, (r) => [r.tenant, r.at])
    expect(back.changes).toMatchObject({ added: 1, unchanged: 2 })
    state = testFolder()
    await run(all.slice(1), (r) => r.n.toString())
    await expect(run(all.slice(2), (r) => r.n.toString())).rejects.toThrow(
      'rows to remove are found by tenant, at, but the key of onlyChanged has 1 parts',
    )
    state = testFolder()
    await run(all.slice(1), (r) => [r.tenant, r.n.toString()])
    await expect(run(all.slice(2), (r) => [r.tenant, r.n.toString()])).rejects.toThrow(
      /cannot remove rows by tenant, at: .*type date: "2".*name its columns/,
    )
  })

  test('mistakes are said when the run starts, or before', async () => {
    const rows = Dataset.fromArray<Chunk>([])
    expect(() => rows.write(upsert(server.url, 'chunks', { key: 'id', prune: true }))).toThrow(
      /put .onlyChanged\(\{ key \}\) into the pipeline/,
    )
    const sink = upsert<Chunk & { page: number }>(server.url, 'chunks', {
      key: 'id',
      prune: 'page',
    })
    const paged = rows.map((chunk) => ({ ...chunk, page: 1 })).onlyChanged({ key: (c) => c.page })
    await expect(paged.write(sink, { state }).run()).rejects.toThrow(
      /prune names page, and the table has no such column; it has id, doc, text/,
    )
  })

  test('kill -9 in the middle of a pass: it goes on, and the next one prunes', async () => {
    await server.query(`CREATE TABLE source (id int PRIMARY KEY, text text);
      INSERT INTO source SELECT i, 'row ' || i FROM generate_series(1, 4000) i;
      CREATE TABLE out (id int PRIMARY KEY, text text)`)
    const args = ['changed.ts', '--state', state, '--', server.url]
    expect((await command('run', ...args)).stderr).toContain('0 unchanged, 4000 new, 0 changed')
    await server.query(`UPDATE source SET text = 'new ' || id WHERE id % 2 = 0;
      DELETE FROM source WHERE id % 1000 = 1`)
    const counts = async () =>
      (await one(`SELECT count(*)::int AS rows, count(*) FILTER (WHERE out.text LIKE 'new %')::int AS news,
        count(*) FILTER (WHERE source.id IS NULL)::int AS gone FROM out LEFT JOIN source USING (id)`)) as {
        readonly news: number
      }
    const hold = new Hold(join(state, 'hold'))
    const end = await killed([...args, hold.path, '4000'], {
      seed: 21,
      hold,
      working: async () => (await counts()).news > 0,
    })
    expect([end.code, end.kills]).toEqual([0, KILLS])
    expect(end.resumedAt.length).toBeGreaterThan(0)
    // The source was read in parts: what is gone is removed by the next run, which reads it in one go.
    expect(await counts()).toEqual({ rows: 4000, news: 2000, gone: 4 })
    expect((await command('run', ...args)).stderr).toContain(
      '3996 unchanged, 0 new, 0 changed; 4 pruned',
    )
    expect(await counts()).toEqual({ rows: 3996, news: 2000, gone: 0 })
  }, 120_000)
})
