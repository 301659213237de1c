import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noServer, type Server, startServer } from '../postgres/server.ts'
import { jobOf } from './job-world.ts'

/** The examples that stand for jobs: those of tables. */

describe.skipIf(noServer !== undefined)('with tables', { timeout: 120_000 }, () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.stop())

  test('1: each piece of each document has its vector, and was paid once', async () => {
    await using job = await jobOf('01-embed', 50, server.url)
    expect(await job.run()).toMatchObject({ code: 0 })
    const { rows } = await server.query(
      `SELECT count(*)::int AS pieces, count(DISTINCT split_part(id, '/', 1))::int AS docs,
              count(*) FILTER (WHERE embedding[1] = length(text))::int AS right
       FROM pieces`,
    )
    const docs = job.size
    const pieces = Number(rows[0]?.['pieces'])
    expect(pieces).toBeGreaterThanOrEqual(4 * docs)
    expect(rows).toEqual([{ pieces, docs, right: pieces }])
    const whole = await server.query(
      `SELECT d.id FROM docs d JOIN pieces p ON split_part(p.id, '/', 1)::int = d.id
       GROUP BY d.id HAVING string_agg(p.text, '' ORDER BY split_part(p.id, '/', 2)::int) <> d.body`,
    )
    expect(whole.rows).toEqual([])
    // Twenty pieces a call: an answer of 503 is asked for again, an answer that came is not.
    const served = job.world.api?.stats.served ?? 0
    expect(served).toBeLessThanOrEqual(Math.ceil(pieces / 18))

    // The next night: nothing new; then one document is another one, and one is gone.
    expect(await job.run()).toMatchObject({ code: 0 })
    expect(job.world.api?.stats.served).toBe(served)
    await server.query(
      `UPDATE docs SET body = replace(body, 'Document 7 ', 'Paper 7 ') WHERE id = 7`,
    )
    await server.query('DELETE FROM docs WHERE id = 3')
    expect(await job.run()).toMatchObject({ code: 0 })
    expect(job.world.api?.stats.served).toBe(served + 1)
    const gone = await server.query(`SELECT id FROM pieces WHERE id LIKE '3/%'`)
    expect(gone.rows).toEqual([])
    const changed = await server.query(`SELECT DISTINCT split_part(id, '/', 1) AS doc FROM pieces
      WHERE text LIKE '%Paper%'`)
    expect(changed.rows).toEqual([{ doc: '7' }])
  })

  test('8: the budget stops the run, the next one goes on; topics that are none are kept apart', async () => {
    await using job = await jobOf('08-classify', 100, server.url)
    const { api } = job.world
    const total = job.size
    const first = await job.run()
    expect(first).toMatchObject({ code: 3, stderr: expect.stringContaining('25 usd') })
    const served = api?.stats.served ?? 0
    expect(0.4 * served).toBeLessThanOrEqual(25)
    expect(0.4 * served).toBeGreaterThan(24)
    const second = await job.run()
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('resumed at') })
    expect(api?.stats.served).toBe(total)
    const { rows } = await server.query('SELECT * FROM ticket_topics ORDER BY id')
    const topics = ['billing', 'login', 'other']
    expect(rows).toEqual(
      Array.from({ length: total }, (_, k) => k + 1)
        .filter((id) => id % 20 !== 7)
        .map((id) => ({ id, topic: topics[id % 3] })),
    )
    expect(second.stderr).toContain('dead list')
  })

  test('10: all rows are there in their new form', async () => {
    await using job = await jobOf('10-backfill', 5000, server.url)
    expect(await job.run()).toMatchObject({ code: 0 })
    const total = job.size
    const { rows } = await server.query(
      `SELECT count(*)::int AS count, sum(cents)::int AS cents FROM orders_v2
       WHERE cents = id * 100 + 25 AND customer_name = 'Customer ' || id
         AND country IS NOT DISTINCT FROM CASE WHEN id % 2 = 0 THEN 'DE' END`,
    )
    expect(rows).toEqual([{ count: total, cents: 50 * total * (total + 1) + 25 * total }])
  })
})
