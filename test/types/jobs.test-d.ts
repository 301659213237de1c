import {
  Column,
  Dataset,
  limit,
  type Pipeline,
  type Place,
  type Sink,
  stage,
  threads,
  to,
} from 'millstream'
import { decodeImage } from 'millstream/image'
import { table, upsert } from 'millstream/postgres'
import { expectTypeOf, test } from 'vitest'
import * as z from 'zod'

/** Thirteen jobs that people come with, as they would write them: no annotation and no cast. */

// What users bring: their types, clients and functions.
interface Doc {
  readonly id: number
  readonly body: string
}
interface Chunk {
  readonly id: string
  readonly text: string
  readonly tokens: number
}
interface Ticket {
  readonly id: number
  readonly text: string
}
interface Order {
  readonly id: number
  readonly amount: string
}
interface Tenant {
  readonly id: string
}
interface Invoice {
  readonly id: number
  readonly total: number
}
declare const PG: string
declare function chunkText(doc: Doc): Chunk[]
declare function embedAll(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>
declare function resize(bytes: Uint8Array): Uint8Array
declare function redact(text: string): string
declare function askFor(
  prompt: string,
  options: { readonly model: string; readonly signal: AbortSignal },
): Promise<{ readonly text: string; readonly usage: { readonly usd: number } }>
declare function trainStep(batch: { readonly x: { readonly shape: readonly number[] } }): void
declare function listInvoices(
  tenant: Tenant,
  cursor: string,
  signal: AbortSignal,
): Promise<{ readonly items: readonly Invoice[]; readonly next?: string }>
declare function transcribeFile(bytes: Uint8Array, signal: AbortSignal): Promise<string>

// Storages, formats and places that are not here yet.
interface StoredFile {
  readonly key: string
  readonly etag: string
  readonly bytes: Uint8Array
}
declare function files(pattern: string): Dataset<StoredFile>
declare function toFiles(pattern: string): Sink<StoredFile>
declare function csv(pattern: string): Dataset<Readonly<Record<string, string>>>
declare function parquet<T>(pattern: string): Dataset<T>
declare function toParquet<T extends object>(
  folder: string,
  options?: { readonly partitionBy: NoInfer<readonly (keyof T)[]> },
): Sink<T>
declare function cluster(options?: {
  readonly workers?: number
  readonly labels?: readonly string[]
}): Place
declare function serve<T>(dataset: Dataset<T>, options: { readonly port: number }): void

const usage = { usd: 0.0002 }

test('1: embed documents, limited by requests and tokens', () => {
  const openai = limit('openai', { requests: '5000/min', tokens: '1M/min' })
  const job = table<Doc>(PG, 'docs', { key: 'id' })
    .flatMap(chunkText)
    .onlyChanged({ key: (chunk) => chunk.id, by: (chunk) => chunk.text })
    .batch({ max: 2048, maxCost: 250_000, cost: (chunk) => chunk.tokens })
    .map(
      async ({ id, text }, { signal }) => ({
        id,
        text,
        embedding: Column.copy(await embedAll(text, signal)),
      }),
      {
        limit: openai,
        cost: (batch) => batch.tokens.reduce((sum, n) => sum + n),
        retry: 8,
        timeout: '60s',
        onError: 'deadLetter',
      },
    )
    .unbatch()
    .write(upsert(PG, 'chunks', { key: 'id', prune: true }))
    .budget({ usd: 60 })
  expectTypeOf(job).toEqualTypeOf<
    Pipeline<{ readonly id: string; readonly text: string; readonly embedding: Float32Array }>
  >()
})

test('2: resize and label photos on machines', () => {
  const small = files('s3://photos/**/*.jpg').map(
    stage(import.meta, (f: StoredFile) => ({ ...f, bytes: resize(f.bytes) })).on(cluster()),
    { onError: 'deadLetter', timeout: '30s' },
  )
  expectTypeOf(small.write(toFiles('s3://thumbs/{key}.webp'))).toEqualTypeOf<
    Pipeline<{ bytes: Uint8Array; key: string; etag: string }>
  >()
  const label = stage(import.meta, (photos: { readonly key: Column<string> }) => ({
    key: photos.key,
    label: Int32Array.from(photos.key, () => 1),
  }))
  const labels = small
    .batch(64)
    .map(label.on(cluster({ labels: ['gpu'] })))
    .unbatch()
    .write(toParquet('s3://labels/'))
  expectTypeOf(labels).toEqualTypeOf<Pipeline<{ readonly key: string; readonly label: number }>>()
})

test('3: CSV, cleaned, to Parquet', () => {
  const Row = z.object({ id: z.string(), day: z.string(), amount: z.coerce.number() })
  const job = csv('drop/*.csv')
    .validate(Row, { onError: 'deadLetter', maxErrors: 1000 })
    .filter((row) => row.amount > 0)
    .unique((row) => row.id)
    .write(toParquet('s3://lake/orders/', { partitionBy: ['day'] }))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ id: string; day: string; amount: number }>>()
})

test('4: fine-tuning data: filter, redact, dedupe, split', () => {
  const Chat = z.object({ id: z.string(), text: z.string() })
  const { train, test: held } = Dataset.jsonl('logs/*.jsonl.gz', { onError: 'skip' })
    .validate(Chat, { onError: 'skip' })
    .map((chat) => ({ ...chat, text: redact(chat.text) }))
    .filter((chat) => chat.text.length < 8192)
    .unique((chat) => chat.text.toLowerCase())
    .split({ key: (chat) => chat.id, test: 0.05, seed: 1 })
  const job = train.shuffle(100_000, { seed: 1 }).write(to.jsonl('train.jsonl'))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ id: string; text: string }>>()
  expectTypeOf(held.write(to.jsonl('test.jsonl'))).toEqualTypeOf(job)
})

test('5: ONNX over a bucket', () => {
  const classify = stage(import.meta, {
    setup: async () => ({ run: (texts: readonly string[]) => texts.map((t) => t.length % 2) }),
    run: ({ id, text }: { id: readonly string[]; text: readonly string[] }, model) =>
      model.run(text).map((topic, k) => ({ id: id[k], topic })),
  })
  const job = parquet<{ id: string; text: string }>('gs://corpus/*.parquet')
    .batch(32)
    .map(classify.on(threads('auto')))
    .flatMap((rows) => rows)
    .write(toParquet('gs://labels/'))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ id: string | undefined; topic: number }>>()
})

const decode = stage(import.meta, async (path: string) => {
  const { data } = await decodeImage(path, { size: 64 })
  return { x: data, y: path.includes('/dog/') ? 1 : 0 }
})

test('6: feed a trainer', async () => {
  const batches = Dataset.listFiles('photos/*/*.jpg')
    .map(decode.on(threads()))
    .cache()
    .shuffle(2000, { seed: 7 })
    .batch(64)
    .prefetch(2)
  expectTypeOf(async () => {
    for await (const batch of batches) trainStep(batch)
  }).returns.resolves.toBeVoid()
})

test('7: feed a trainer in Python', () => {
  const fed = Dataset.listFiles('photos/*/*.jpg')
    .map(decode.on(threads()))
    .shuffle(10_000)
    .batch(256)
    .prefetch(8)
    .apply((batches) => serve(batches, { port: 7070 }))
  expectTypeOf(fed).toBeVoid()
})

test('8: classify tickets to a schema, within a budget', () => {
  const Topic = z.object({ id: z.number(), topic: z.enum(['billing', 'login', 'other']) })
  const job = table<Ticket>(PG, 'tickets', { key: 'id' })
    .map(
      async ({ id, text }, { signal }) => {
        const answer = await askFor(text, { model: 'small', signal })
        return { id, topic: answer.text, usage: answer.usage }
      },
      {
        limit: limit('llm', { tokens: '200k/min' }),
        cost: ({ text }) => ({ tokens: text.length / 4, ...usage }),
        spent: (answer) => answer.usage,
        retry: 5,
        cache: 'topics@v3',
      },
    )
    .validate(Topic, { onError: 'deadLetter', maxErrors: 200 })
    .write(upsert(PG, 'ticket_topics', { key: 'id' }))
    .budget({ usd: 25 })
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ id: number; topic: 'billing' | 'login' | 'other' }>>()
})

test('9: sync the invoices of many tenants', () => {
  const job = table<Tenant>(PG, 'tenants', { key: 'id' })
    .interleave(
      (tenant) =>
        Dataset.fromPages({
          start: '',
          read: (cursor, signal) => listInvoices(tenant, cursor, signal),
          limit: limit(`crm:${tenant.id}`, { requests: '10/s' }),
          retry: 5,
          timeout: '30s',
        }),
      { cycleLength: 50, parallelism: 50 },
    )
    .write(upsert(PG, 'invoices', { key: 'id' }))
  expectTypeOf(job).toEqualTypeOf<Pipeline<Invoice>>()
})

test('10: backfill a table', () => {
  const job = table<Order>(PG, 'orders', { key: 'id' })
    .map(({ id, amount }) => ({ id, cents: Math.round(Number(amount) * 100) }))
    .write(upsert(PG, 'orders_v2', { key: 'id' }))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ id: number; cents: number }>>()
})

test('11: crawl, polite to each host', () => {
  const job = Dataset.lines('urls.txt')
    .unique()
    .map(
      async (url, { signal }) => {
        const page = await fetch(url, { signal })
        return { url, status: page.status, html: await page.text() }
      },
      {
        limit: (url) => limit(new URL(url).host, { requests: '1/s', inFlight: 2 }),
        timeout: '20s',
        retry: 3,
        onError: 'skip',
      },
    )
    .map(({ url, html }) => ({ url, title: /<title>(.*?)<\/title>/.exec(html)?.[1] }))
    .write(to.jsonl('pages.jsonl'))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ url: string; title: string | undefined }>>()
})

test('12: transcribe calls, minutes each', () => {
  const transcribe = stage(import.meta, async (f: StoredFile, { signal }) => ({
    key: f.key,
    text: await transcribeFile(f.bytes, signal),
  }))
  const job = files('s3://calls/**/*.wav')
    .onlyChanged({ key: (file) => file.key, by: (file) => file.etag })
    .map(transcribe.on(cluster({ workers: 4 })), {
      timeout: '15min',
      retry: 2,
      onError: 'deadLetter',
    })
    .write(upsert(PG, 'transcripts', { key: 'key' }))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ key: string; text: string }>>()
})

test('13: evaluate models on cases', () => {
  const Case = z.object({ id: z.number(), prompt: z.string(), expected: z.string() })
  const job = Dataset.jsonl('evals.jsonl')
    .validate(Case)
    .flatMap((c) => ['small', 'large'].map((model) => ({ ...c, model })))
    .map(
      async (c, { signal }) => {
        const { text } = await askFor(c.prompt, { model: c.model, signal })
        return { id: c.id, model: c.model, right: text === c.expected }
      },
      {
        parallelism: 8,
        limit: ({ model }) => limit(model, { tokens: '200k/min' }),
        cost: ({ prompt }) => prompt.length / 4,
        cache: 'evals@v1',
        retry: 4,
      },
    )
    .write(to.jsonl('out.jsonl'))
  expectTypeOf(job).toEqualTypeOf<Pipeline<{ id: number; model: string; right: boolean }>>()
})
