/** What the jobs read from and call, on this machine: files in a folder, tables, an API, web sites. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type FakeApi, fakeApi } from 'millstream/testing'
import pg from 'pg'
import { openSites, type Site } from './sites.ts'

/** Where a world is made. */
export interface Place {
  /** Empty; the job runs in it. */
  readonly folder: string
  /** URL of an empty database, for the jobs that need one. */
  readonly database?: string
  /** How much there is to do. Default: what takes about a second. */
  readonly size?: number
}

/** A world that a job can run in. */
export interface World {
  /** The environment that leads the job there. */
  readonly env: Readonly<Record<string, string>>
  readonly api?: FakeApi
  readonly sites?: readonly Site[]
  readonly close: () => Promise<unknown>
}

/** The job's file, without its ending. */
export type JobName = keyof typeof worlds

/** Each job's world. */
export const worlds = {
  '01-embed': embedding,
  '04-fine-tuning': chats,
  '08-classify': tickets,
  '10-backfill': orders,
  '11-crawl': web,
  '13-evals': cases,
} as const

/** Jobs that need a database. */
export const withTables: readonly JobName[] = ['01-embed', '08-classify', '10-backfill']

/** Documents of five pieces each, and an API that lets through a million tokens a minute, and fails now and then. */
async function embedding({ database, size = 50 }: Place): Promise<World> {
  await run(
    database,
    `CREATE TABLE docs (id int PRIMARY KEY, body text NOT NULL);
     CREATE TABLE pieces (id text PRIMARY KEY, text text NOT NULL, embedding real[] NOT NULL);
     INSERT INTO docs SELECT n, repeat('Document ' || n || ' says this again and again. ', 50)
     FROM generate_series(1, ${size}) n`,
  )
  const api = await fakeApi({
    quota: { requests: 5000, tokens: 1e6 },
    burst: '500ms',
    latency: [10, 40],
    faults: { unavailable: 0.1 },
    tokens: (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length / 4, 0),
    answer: (texts: readonly string[]) =>
      texts.map((text) => [text.length, text.charCodeAt(0), text.charCodeAt(9), 1]),
  })
  return withApi(api, database)
}

/** Three log files with what logs hold: a line cut off, no answer, the same question again, mails and phones. */
async function chats({ folder, size = 300 }: Place): Promise<World> {
  await mkdir(join(folder, 'logs'))
  const each = Math.ceil(size / 3)
  for (let file = 0; file < 3; file++) {
    const lines = Array.from({ length: each }, (_, k) => chat(file * each + k))
    lines.splice(each >> 1, 0, '{"user":"u1","question":"Where is')
    await writeFile(join(folder, 'logs', `day${file}.jsonl.gz`), gzipSync(`${lines.join('\n')}\n`))
  }
  return { env: {}, close: async () => undefined }
}

function chat(n: number): string {
  // Every tenth asks what the one before asked, with other marks.
  const question = n % 10 === 9 ? `how do I change entry ${n - 1}` : `How do I change entry ${n}?`
  const answer =
    n % 25 === 3 ? '' : `Write to help${n}@example.com or call +49 30 1234${1000 + n}. Entry ${n}.`
  return JSON.stringify({ user: `u${n % 40}`, question, answer })
}

/** Tickets, and a model that takes 40 cents for each; every twentieth topic is none of those asked for. */
async function tickets({ database, size = 100 }: Place): Promise<World> {
  await run(
    database,
    `CREATE TABLE tickets (id int PRIMARY KEY, body text NOT NULL);
     CREATE TABLE ticket_topics (id int PRIMARY KEY, topic text NOT NULL);
     INSERT INTO tickets SELECT n, 'Ticket ' || n || ': it does not work' FROM generate_series(1, ${size}) n`,
  )
  const topics = ['billing', 'login', 'other']
  const api = await fakeApi({
    latency: [2, 10],
    answer: ({ prompt }: { readonly prompt: string }) => {
      const id = Number(/Ticket (\d+)/.exec(prompt)?.[1])
      return { topic: id % 20 === 7 ? 'refund' : topics[id % 3], usage: { usd: 0.4 } }
    },
  })
  return withApi(api, database)
}

/** Orders as they used to be kept. */
async function orders({ database, size = 5000 }: Place): Promise<World> {
  await run(
    database,
    `CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(10,2) NOT NULL, customer jsonb NOT NULL);
     CREATE TABLE orders_v2 (id bigint PRIMARY KEY, cents int NOT NULL, customer_name text NOT NULL, country text);
     INSERT INTO orders SELECT n, n + 0.25, jsonb_build_object('name', ' Customer ' || n) ||
       CASE WHEN n % 2 = 0 THEN '{"country":"de"}'::jsonb ELSE '{}' END FROM generate_series(1, ${size}) n`,
  )
  return { env: { DATABASE_URL: database ?? '' }, close: async () => undefined }
}

/** Sites, and a list of their pages with some doubles, one that is not there, and a host that is not there. */
async function web({ folder, size = 12 }: Place): Promise<World> {
  const sites = await openSites(3)
  const urls = sites.flatMap(({ url }) => Array.from({ length: size }, (_, k) => `${url}page/${k}`))
  const others = [`${sites[0]?.url}gone`, 'http://127.0.0.1:1/nobody']
  await writeFile(join(folder, 'urls.txt'), [...urls, ...others, ...urls.slice(0, 9)].join('\n'))
  return { env: {}, sites, close: () => Promise.all(sites.map((site) => site.close())) }
}

/** Questions, and models of which the larger ones are right more often. */
async function cases({ folder, size = 100 }: Place): Promise<World> {
  await writeFile(
    join(folder, 'cases.jsonl'),
    Array.from({ length: size }, (_, id) => caseLine(id)).join(''),
  )
  const skill: Readonly<Record<string, number>> = {
    tiny: 2,
    small: 4,
    medium: 6,
    large: 8,
    huge: 9,
  }
  const api = await fakeApi({
    latency: [1, 5],
    answer: ({ model, prompt }: { readonly model: string; readonly prompt: string }) => {
      const [a = 0, b = 0] = prompt.match(/\d+/g)?.map(Number) ?? []
      return { text: String(a % 10 < (skill[model] ?? 0) ? a + b : a) }
    },
  })
  return withApi(api)
}

/** A line of cases.jsonl. */
export function caseLine(id: number): string {
  return `${JSON.stringify({ id, prompt: `What is ${id} plus 7?`, expected: String(id + 7) })}\n`
}

function withApi<I>(api: FakeApi<I>, database?: string): World {
  const env = { API_URL: api.url, ...(database !== undefined && { DATABASE_URL: database }) }
  return { env, api, close: () => api.close() }
}

async function run(database: string | undefined, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
