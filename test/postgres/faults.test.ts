import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dataset } from 'millstream'
import { copy, upsert } from 'millstream/postgres'
import { checkSink } from 'millstream/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hash } from '../../src/stream/random.ts'
import { Hold } from '../cli/hold.ts'
import { testFolder } from '../folder.ts'
import { killed, KILLS } from '../sinks/chaos.ts'
import { noServer, type Server, startServer } from './server.ts'

const LENGTH = 5000 * KILLS

describe.skipIf(noServer !== undefined)('PostgreSQL, broken', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
    await server.query(`CREATE TABLE source (id int PRIMARY KEY, text text);
      INSERT INTO source SELECT i, 'row ' || i FROM generate_series(1, ${LENGTH}) i`)
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(() => server.query('DROP TABLE IF EXISTS out; CREATE TABLE out (id int, text text)'))

  /** Numbers of rows, of ids among them, and of those that are as they should be. */
  const counts = async (): Promise<unknown> =>
    (
      await server.query(`SELECT count(*)::int AS rows, count(DISTINCT out.id)::int AS ids,
        count(*) FILTER (WHERE out.text = source.text || ' done')::int AS right
        FROM out LEFT JOIN source USING (id)`)
    ).rows[0]
  const all = { rows: LENGTH, ids: LENGTH, right: LENGTH }

  test.each(['copy', 'upsert'])(
    'kill -9 at random moments: %s loses and doubles no row',
    async (how) => {
      if (how === 'upsert') await server.query('CREATE UNIQUE INDEX ON out (id)')
      const state = testFolder()
      const hold = new Hold(join(state, 'hold'))
      const args = [server.url, how, 'out', hold.path, `${LENGTH}`]
      let seen = 0
      const end = await killed(['tabled.ts', '--state', state, '--', ...args], {
        seed: how === 'copy' ? 11 : 12,
        hold,
        working: async () => {
          const { rows } = await server.query('SELECT count(*)::int AS n FROM out')
          const n = Number(rows[0]?.['n'])
          const grown = n > seen
          seen = n
          return grown
        },
      })
      expect([end.code, end.stderr]).toEqual([0, expect.stringContaining('resumed at')])
      expect(end.kills).toBe(KILLS)
      expect(await counts()).toEqual(all)
    },
    300_000,
  )

  test.each([1, 2])(
    'connections that break again and again cost nothing (seed %i)',
    async (seed) => {
      // One in each part of the rows, while the sink writes or commits what precedes it.
      const breaks = new Set(
        Array.from({ length: KILLS }, (_, k) => 5000 * k + 1 + (hash(seed, k) % 5000)),
      )
      const rows = Dataset.range(1, LENGTH + 1).map(
        async (id, local) => {
          if (id % 16 === 0) await sleep(1)
          // A run that begins again waits for the calls under way; this row comes again then.
          while (breaks.has(id) && !local.signal.aborted) {
            if ((await server.breakConnections()) > 0) breaks.delete(id)
            else await sleep(1)
          }
          return { id, text: `row ${id} done` }
        },
        { parallelism: 4 },
      )
      const summary = await rows.write(copy(server.url, 'out'), { every: { ms: 20 } }).run()
      expect(breaks.size).toBe(0)
      expect(summary.delivered).toBe(LENGTH)
      expect(await counts()).toEqual(all)
    },
    300_000,
  )

  test.each(['copy', 'upsert'])('%s: died at any step, run again: the same rows', async (how) => {
    const rows = Array.from({ length: 9 }, (_, id) => ({ id, text: `row ${id}` }))
    const { crashes } = await checkSink(rows, async () => {
      await server.query('DROP TABLE IF EXISTS out; CREATE TABLE out (id int UNIQUE, text text)')
      if (how === 'copy') await server.query('ALTER TABLE out DROP CONSTRAINT out_id_key')
      return {
        sink: how === 'copy' ? copy(server.url, 'out') : upsert(server.url, 'out', { key: 'id' }),
        read: async () => (await server.query('SELECT * FROM out ORDER BY id')).rows,
      }
    })
    expect(crashes).toBeGreaterThan(15)
  })

  test('a process that was taken over cannot commit any more', async () => {
    await server.query('CREATE UNIQUE INDEX ON out (id)')
    const sink = upsert<{ id: number }>(server.url, 'out', { key: 'id' })
    const context = { run: 'r', state: undefined, signal: new AbortController().signal }
    const old = await sink.open(context)
    await old.write({ index: 0, first: 0 }, [{ id: 1 }])
    const young = await sink.open(context)
    await expect(old.commit({ at: 1 }, true)).rejects.toThrow(
      'another process has taken over the run r',
    )
    await old.abort(undefined)
    expect(young.position).toBeUndefined()
    await young.write({ index: 0, first: 0 }, [{ id: 2 }])
    await young.commit({ at: 2 }, false)
    await young.finish()
    expect((await server.query('SELECT id FROM out')).rows).toEqual([{ id: 2 }])
    const third = await sink.open({ ...context, state: null })
    expect(third.position).toEqual({ at: 2 })
    await third.abort(undefined)
    await expect(sink.open({ ...context, run: 'other', state: null })).rejects.toThrow(
      'the database knows nothing of the run other',
    )
  })
})

const ROWS = 10_000

test.skipIf(noServer !== undefined)(
  'a server that crashes loses no row, and doubles none',
  async () => {
    const server = await startServer()
    try {
      await server.query('CREATE TABLE out (n int)')
      /** An element waits until the server has crashed with all before it in it. */
      let goOn: (() => void) | undefined
      const crashed = new Promise<void>((resolve) => (goOn = resolve))
      const rows = Dataset.range(ROWS).map(async (n) => {
        if (n === 5000) await crashed
        return { n }
      })
      // All commits but the last are quick ones: the server does not wait for its log.
      const summary = await rows.write(copy(server.url, 'out'), { every: { ms: 3_600_000 } }).run({
        state: testFolder(),
        observe: (event) => {
          if (event.type !== 'position' || event.delivered !== 5000 || goOn === undefined) return
          server.crash()
          goOn()
          goOn = undefined
        },
      })
      expect(summary.delivered).toBe(ROWS)
      const { rows: found } = await server.query(
        'SELECT count(*)::int AS rows, count(DISTINCT n)::int AS numbers, max(n) AS last FROM out',
      )
      expect(found).toEqual([{ rows: ROWS, numbers: ROWS, last: ROWS - 1 }])
    } finally {
      await server.stop()
    }
  },
  120_000,
)
