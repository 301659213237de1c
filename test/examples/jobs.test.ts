import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { caseLine, type JobName, type World, worlds } from '../../examples/jobs/worlds.ts'
import { main } from '../cli/command.ts'
import { noServer, type Server, startServer } from '../postgres/server.ts'

/** The examples that stand for jobs, each run by `millstream run` in a world of its own. */

const folder = fileURLToPath(new URL('../../examples/jobs', import.meta.url))
const names = Object.keys(worlds) as JobName[]
/** Elements of each job; the README has the commands for the whole sizes. */
const size = Number(process.env['MILLSTREAM_JOBS'] ?? 0)

const scratch: string[] = []
afterAll(() => {
  for (const path of scratch) rmSync(path, { recursive: true })
})

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** A job in its world. */
interface Job {
  readonly world: World
  /** The working folder. */
  readonly folder: string
  start(...flags: readonly string[]): {
    readonly child: ChildProcess
    readonly ended: Promise<Ended>
  }
  run(...flags: readonly string[]): Promise<Ended>
  /** Runs `millstream dead list`, and gives its lines. */
  lines(file: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  [Symbol.asyncDispose](): Promise<void>
}

async function jobOf(name: JobName, database?: string): Promise<Job> {
  const at = mkdtempSync(join(tmpdir(), 'millstream-job-'))
  scratch.push(at)
  const world = await worlds[name]({
    folder: at,
    ...(database !== undefined && { database }),
    ...(size > 0 && { size }),
  })
  const start: Job['start'] = (...flags) => {
    const args = [main, 'run', join(folder, `${name}.ts`), '--state', join(at, 'state'), ...flags]
    const env = { ...process.env, ...world.env }
    const child = spawn(process.execPath, args, {
      cwd: at,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stderr }))
    })
    return { child, ended }
  }
  return {
    world,
    folder: at,
    start,
    run: (...flags) => start(...flags).ended,
    lines: async (file) => {
      const text = await readFile(join(at, file), 'utf8')
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    },
    [Symbol.asyncDispose]: async () => void (await world.close()),
  }
}

test.each(names)('%s has 40 lines at most, and is in the table', (name) => {
  const text = readFileSync(join(folder, `${name}.ts`), 'utf8')
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`(${name}.ts)`)
})

test('each file of a job has its world', async () => {
  const files = (await readdir(folder)).filter((name) => /^\d/.test(name))
  expect(files.toSorted()).toEqual(names.map((name) => `${name}.ts`))
})

test('4: fine-tuning data is checked, redacted, each question once, users in one part', async () => {
  await using job = await jobOf('04-fine-tuning')
  const end = await job.run()
  expect(end).toMatchObject({ code: 0 })
  const [train, held] = [await job.lines('train.jsonl'), await job.lines('test.jsonl')]
  const all = [...train, ...held]
  const total = size > 0 ? size : 300
  const answered = Array.from({ length: total }, (_, n) => n).filter((n) => n % 25 !== 3)
  // Every tenth asks what the one before asked.
  const kept = [...new Set(answered.map((n) => (n % 10 === 9 ? n - 1 : n)))]
  expect(all.length).toBe(kept.length)
  expect(new Set(all.map(({ question }) => String(question).match(/\d+/)?.[0]))).toEqual(
    new Set(kept.map(String)),
  )
  expect(JSON.stringify(all)).not.toMatch(/@example|1234/)
  expect(train[0]?.['answer']).toMatch(/^Write to \[mail\] or call \[phone\]\. Entry \d+\.$/)
  const users = new Set(train.map(({ user }) => user))
  expect(held.length).toBeGreaterThan(0)
  expect(held.filter(({ user }) => users.has(user))).toEqual([])
})

test('11: all hosts at the same time, each by two calls at most; what is not there is told', async () => {
  await using job = await jobOf('11-crawl')
  const end = await job.run()
  expect(end).toMatchObject({ code: 0 })
  const sites = job.world.sites ?? []
  for (const site of sites) {
    expect(site.mostAtOnce).toBeLessThanOrEqual(2)
    const pages = site.calls.filter((path) => path.startsWith('/page/'))
    // Each page once; those that were refused, twice.
    const refused = [...new Set(pages)].filter((path) => path.endsWith('3'))
    expect(pages.length).toBe(new Set(pages).size + refused.length)
  }
  const pages = await job.lines('pages.jsonl')
  const count = size > 0 ? size : 12
  expect(pages.map(({ url }) => url)).toEqual(
    sites.flatMap(({ url }) => Array.from({ length: count }, (_, k) => `${url}page/${k}`)),
  )
  expect(pages[1]?.['title']).toBe('Page /page/1')
  expect(end.stderr).toContain('2 dead letters')
})

test('13: killed and run again, and with cases added, nothing is asked twice', async () => {
  await using job = await jobOf('13-evals')
  const { api } = job.world
  if (api === undefined) throw new Error('there is no API')
  const total = 5 * (size > 0 ? size : 100)
  let kills = 0
  for (const served of [total / 4, total / 2]) {
    const { child, ended } = job.start()
    let over = false
    void ended.then(() => (over = true))
    while (!over && api.stats.served < served)
      await new Promise((resolve) => setTimeout(resolve, 2))
    child.kill('SIGKILL')
    await ended
    kills++
  }
  expect(await job.run()).toMatchObject({ code: 0 })
  // Eight at once, as the job says.
  expect(api.stats.served).toBeGreaterThanOrEqual(total)
  expect(api.stats.served).toBeLessThanOrEqual(total + 8 * kills)
  const answers = await job.lines('answers.jsonl')
  expect(answers.length).toBe(total)
  const right = (model: string) => answers.filter((x) => x['model'] === model && x['right']).length
  expect([right('tiny'), right('huge')]).toEqual([total / 25, (9 * total) / 50])

  const before = api.stats.calls
  expect((await job.run()).stderr).toContain('already done')
  expect((await job.run('--restart')).code).toBe(0)
  expect(api.stats.calls).toBe(before)
  await appendFile(join(job.folder, 'cases.jsonl'), caseLine(total))
  expect((await job.run('--restart')).code).toBe(0)
  expect(api.stats.calls).toBe(before + 5)
  expect((await job.lines('answers.jsonl')).length).toBe(total + 5)
}, 120_000)

describe.skipIf(noServer !== undefined)('with tables', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.stop())

  test('1: each piece of each document has its vector, and was paid once', async () => {
    await using job = await jobOf('01-embed', server.url)
    expect(await job.run()).toMatchObject({ code: 0 })
    const { rows } = await server.query(
      `SELECT count(*)::int AS pieces, count(DISTINCT split_part(id, '/', 1))::int AS docs,
              count(*) FILTER (WHERE embedding[1] = length(text))::int AS right
       FROM pieces`,
    )
    const docs = size > 0 ? size : 50
    const pieces = Number(rows[0]?.['pieces'])
    expect(pieces).toBeGreaterThanOrEqual(4 * docs)
    expect(rows).toEqual([{ pieces, docs, right: pieces }])
    const whole = await server.query(
      `SELECT d.id FROM docs d JOIN pieces p ON split_part(p.id, '/', 1)::int = d.id
       GROUP BY d.id HAVING string_agg(p.text, '' ORDER BY split_part(p.id, '/', 2)::int) <> d.body`,
    )
    expect(whole.rows).toEqual([])
    // Twenty pieces a call: an answer of 503 is asked for again, an answer that came is not.
    expect(job.world.api?.stats.served).toBeLessThanOrEqual(Math.ceil(pieces / 18))
  })

  test('8: the budget stops the run, the next one goes on; topics that are none are kept apart', async () => {
    await using job = await jobOf('08-classify', server.url)
    const { api } = job.world
    const total = size > 0 ? size : 100
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
    await using job = await jobOf('10-backfill', server.url)
    expect(await job.run()).toMatchObject({ code: 0 })
    const total = size > 0 ? size : 5000
    const { rows } = await server.query(
      `SELECT count(*)::int AS count, sum(cents)::int AS cents FROM orders_v2
       WHERE cents = id * 100 + 25 AND customer_name = 'Customer ' || id
         AND country IS NOT DISTINCT FROM CASE WHEN id % 2 = 0 THEN 'DE' END`,
    )
    expect(rows).toEqual([{ count: total, cents: 50 * total * (total + 1) + 25 * total }])
  })
})
