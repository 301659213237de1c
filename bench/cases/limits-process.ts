/**
 * One subject of `limits`: embeds documents by an API and says what became of them.
 *
 *     node --import tsx bench/cases/limits-process.ts '{"subject": ..., "url": ..., ...}'
 *
 * Prints `{ done, lost, early, seconds }`.
 */
import { Dataset, limit, type LimitOptions, type Rate } from 'millstream'
import { ok } from 'millstream/http'
import { importPeer } from '../peers/index.ts'
import { type Batch, batches, type Work } from './limits-work.ts'

interface Outcome {
  readonly done: number
  readonly lost: number
}

const work = JSON.parse(process.argv[2] ?? '') as Work

/** Until when the API wants no calls, as far as this process has read, and calls sent before that. */
let closedUntil = 0
let early = 0

async function embed(batch: Batch, signal?: AbortSignal): Promise<number> {
  if (performance.now() < closedUntil) early++
  const body = JSON.stringify(batch)
  const headers = { authorization: `process ${process.pid}` }
  const response = await fetch(work.url, { method: 'POST', body, headers, signal: signal ?? null })
  try {
    await ok(response)
  } catch (error) {
    const asked = Number(response.headers.get('retry-after') ?? 0) * 1000
    closedUntil = Math.max(closedUntil, performance.now() + asked)
    throw error
  }
  return ((await response.json()) as { documents: number }).documents
}

const rate = (perMinute: number): Rate => `${perMinute * work.speed}/min`
const declaredRates = { requests: rate(work.quota.requests), tokens: rate(work.quota.tokens) }
const shared = { shared: work.folder }

const subjects: Readonly<Record<string, () => Promise<Outcome>>> = {
  declared: () => millstream(declaredRates),
  undeclared: () => millstream({}),
  'declared, shared': () => millstream({ ...declaredRates, ...shared }),
  'undeclared, shared': () => millstream(shared),
  'p-limit 32, 8 retries': async () => {
    const { default: pLimit } = await importPeer<{
      default: (n: number) => <T>(fn: () => Promise<T>) => Promise<T>
    }>('p-limit')
    const run = pLimit(32)
    return settle(batches(work).map((batch) => run(() => withRetries(batch, 8))))
  },
  'Promise.all of 100, 2 retries': async () => {
    const all = batches(work)
    const results: Promise<number>[] = []
    for (let i = 0; i < all.length; i += 100) {
      const some = all.slice(i, i + 100).map((batch) => withRetries(batch, 2))
      results.push(...some)
      await Promise.allSettled(some)
    }
    return settle(results)
  },
}

async function millstream(known: LimitOptions): Promise<Outcome> {
  const openai = limit('openai', known)
  const run = Dataset.fromArray(batches(work))
    .map((batch, { signal }) => embed(batch, signal), {
      limit: openai,
      cost: ({ tokens }) => tokens,
      retry: 8,
      onError: 'deadLetter',
    })
    .iterate()
  let done = 0
  for await (const documents of run) done += documents
  const lost = run.deadLetters.reduce((sum, { element }) => sum + (element as Batch).documents, 0)
  return { done, lost }
}

/** As the SDKs do it: what fails is called again after a growing time, or when the answer says. */
async function withRetries(batch: Batch, retries: number): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await embed(batch)
    } catch (error) {
      if (attempt === retries) throw error
      const { headers } = error as { readonly headers?: Headers }
      const asked = Number(headers?.get('retry-after') ?? Number.NaN) * 1000
      const growing = (Math.min(8000, 500 * 2 ** attempt) * (1 - Math.random() / 4)) / work.speed
      const pause = asked > 0 && asked <= 60_000 / work.speed ? asked : growing
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

async function settle(results: readonly Promise<number>[]): Promise<Outcome> {
  const settled = await Promise.allSettled(results)
  const done = settled.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0)
  const all = batches(work).reduce((sum, { documents }) => sum + documents, 0)
  return { done, lost: all - done }
}

const subject = subjects[work.subject]
if (subject === undefined) throw new Error(`there is no subject ${work.subject}`)
const start = performance.now()
const outcome = await subject()
console.log(JSON.stringify({ ...outcome, early, seconds: (performance.now() - start) / 1000 }))
