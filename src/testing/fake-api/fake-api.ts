import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ok } from '../../http/index.ts'
import { type Duration, durationMs } from '../../stream/duration.ts'
import { combine, hashUnit, keyOfText } from '../../stream/random.ts'
import { ApiModel, type Quota, type Verdict, type Violation } from './model.ts'
import { headersOfState, retryAfterHeaders, type RetryAfterForm } from './headers.ts'

/** Shares of calls, from 0 to 1, that go wrong after they were let in. */
export interface Faults {
  /** Answered 500. */
  readonly error?: number
  /** Answered 503. */
  readonly unavailable?: number
  /** The connection is reset. */
  readonly reset?: number
  /** Take 20 times as long. */
  readonly slow?: number
}

/** How a fake API behaves. Times are its own: `speed` says how fast they pass. */
export interface FakeApiOptions<I> {
  /** Requests and tokens a minute; without one, that is not limited. */
  readonly quota?: Quota
  /** How much of the quota may be used at once. Default 2 seconds of it, and at least one request. */
  readonly burst?: Duration
  /** Calls under way at most; what is more is refused. Default: any number. */
  readonly inFlight?: number
  /** Milliseconds that a call takes: a number, or the range of evenly spread ones. Default 50. */
  readonly latency?: number | readonly [number, number]
  /** How many of its minutes pass in one of ours. Default 1. */
  readonly speed?: number
  /** How refusals say when to come again. `'seconds'` are whole ones at speed 1. Default `'seconds'`. */
  readonly retryAfter?: RetryAfterForm
  readonly faults?: Faults
  /** Inputs that are answered 400, however often they come. */
  readonly poison?: (input: I) => boolean
  /** What a call costs. Default: a token for every four characters of the input's JSON. */
  readonly tokens?: (input: I) => number
  /** What is answered, as JSON. Default: the input. */
  readonly answer?: (input: I) => unknown
  /** Seeds latencies and faults, which follow from the input and how often it came. Default 0. */
  readonly seed?: number
}

/** What a fake API counted. */
export interface FakeApiStats {
  readonly calls: number
  /** Calls that were let in, and so used the quota. */
  readonly admitted: number
  readonly refused: number
  /** Calls that got an answer. */
  readonly served: number
  /** Calls that were let in and went wrong. */
  readonly faulted: number
  readonly mostInFlight: number
  /** Used of what the quota offered from the first call to the last one let in; of the scarcer meter. */
  readonly share: number
  /** Calls that came before the time that a refusal had named, to callers of the same `authorization` header. */
  readonly violations: readonly Violation[]
}

/** Milliseconds, of ours, in which a call may be on its way while the refusal that forbids it is. */
const GRACE_MS = 40
const SLOW = 20

/** A server on this machine that behaves like a paid, rate-limited API. Made by `fakeApi`. */
export class FakeApi<I = unknown> implements AsyncDisposable {
  /** Where to POST inputs as JSON. */
  readonly url: string
  readonly #options: FakeApiOptions<I>
  readonly #server: Server
  readonly #model: ApiModel
  readonly #speed: number
  readonly #burst: number
  readonly #start = performance.now()
  readonly #callsOf = new Map<string, number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #served = 0
  #faulted = 0
  #lastAdmitted = 0

  /** Use `fakeApi`. @internal */
  constructor(server: Server, options: FakeApiOptions<I>) {
    const { port } = server.address() as AddressInfo
    this.url = `http://127.0.0.1:${port}/`
    this.#server = server
    this.#options = options
    this.#speed = options.speed ?? 1
    this.#burst = durationMs('fakeApi', 'burst', options.burst ?? '2s')
    const { quota = {}, inFlight = Infinity } = options
    const grace = GRACE_MS * this.#speed
    this.#model = new ApiModel(0, { quota, burst: this.#burst, inFlight, grace })
    server.on('request', (request, response) => void this.#serve(request, response))
  }

  /** Calls the API by `fetch`. @throws HttpError when it is no success. */
  async call(input: I, options: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    const { signal = null } = options
    const body = JSON.stringify(input)
    const response = await ok(fetch(this.url, { method: 'POST', body, signal }))
    return response.json()
  }

  /** How often an input came, refused calls included. */
  callsOf(input: I): number {
    return this.#callsOf.get(JSON.stringify(input)) ?? 0
  }

  /** Another quota from now on; what is left out stays. */
  setQuota(quota: Quota): void {
    this.#model.setQuota(this.now, quota)
  }

  /** Answers 503 for so long, in its time. */
  goDown(time: Duration): void {
    this.#model.goDown(this.now + durationMs('goDown', 'time', time))
  }

  /** Milliseconds of its time since it began. */
  get now(): number {
    return (performance.now() - this.#start) * this.#speed
  }

  get stats(): FakeApiStats {
    const { calls, admitted, refused, mostUnderWay, violations } = this.#model
    return {
      calls,
      admitted,
      refused,
      served: this.#served,
      faulted: this.#faulted,
      mostInFlight: mostUnderWay,
      share: this.#model.share(this.#lastAdmitted),
      violations,
    }
  }

  /** Stops; what is under way is cut off. Safe to call twice. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await textOf(request)
    if (text === undefined) return
    let input: I
    try {
      input = JSON.parse(text) as I
    } catch {
      return send(response, 400, { error: 'the body is no JSON' })
    }
    const times = (this.#callsOf.get(text) ?? 0) + 1
    this.#callsOf.set(text, times)
    const tokens = this.#options.tokens?.(input) ?? Math.ceil(text.length / 4)
    const now = this.now
    const caller = request.headers.authorization ?? ''
    const verdict = this.#model.arrive(now, tokens, caller)
    if (verdict.kind !== 'admitted') return this.#refuse(response, verdict, { now, caller })
    this.#lastAdmitted = now
    const key = combine(combine(this.#options.seed ?? 0, keyOfText(text)), times)
    const fault = faultOf(this.#options.faults ?? {}, hashUnit(key, 0))
    const latency = this.#latency(hashUnit(key, 1)) * (fault === 'slow' ? SLOW : 1)
    this.#after(latency, () => {
      this.#model.leave()
      this.#answer(response, input, fault)
    })
  }

  #answer(response: ServerResponse, input: I, fault: Fault | undefined): void {
    if (fault !== undefined && fault !== 'slow') {
      this.#faulted++
      if (fault === 'reset') response.socket?.resetAndDestroy()
      else send(response, fault === 'error' ? 500 : 503, { error: `a seeded fault: ${fault}` })
      return
    }
    this.#served++
    const headers = headersOfState(this.#model, this.now, this.#speed)
    if (this.#options.poison?.(input) === true) {
      send(response, 400, { error: 'this input cannot be processed' }, headers)
    } else send(response, 200, this.#options.answer?.(input) ?? input, headers)
  }

  #refuse(
    response: ServerResponse,
    verdict: Refusal,
    { now, caller }: { readonly now: number; readonly caller: string },
  ): void {
    if (verdict.kind === 'down') return send(response, 503, { error: 'down' })
    const form = this.#options.retryAfter ?? 'seconds'
    const wait = Math.max(verdict.retryAfter, 1)
    const { headers, until } = retryAfterHeaders(form, wait / this.#speed, this.#speed)
    if (until !== undefined) this.#model.close(now, now + until * this.#speed, caller)
    const state = headersOfState(this.#model, now, this.#speed)
    const error = `too many ${verdict.meter === 'inFlight' ? 'calls at once' : verdict.meter}`
    send(response, 429, { error }, { ...state, ...headers })
  }

  #latency(chance: number): number {
    const { latency = 50 } = this.#options
    if (typeof latency === 'number') return latency
    return latency[0] + (latency[1] - latency[0]) * chance
  }

  #after(ms: number, fn: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      fn()
    }, ms / this.#speed)
    this.#timers.add(timer)
  }
}

/**
 * Starts a rate-limited API on this machine, for tests of pipelines: it really answers 429 with `Retry-After`
 * and `x-ratelimit-*` headers, by requests and by tokens, breaks as it is told, and counts what it is called
 * for.
 *
 * ```ts
 * await using api = await fakeApi({ quota: { requests: 600 }, answer: (text: string) => text.length })
 * const lengths = Dataset.from(texts).map((text) => api.call(text), { limit: limit('api'), retry: 5 })
 * ```
 */
export async function fakeApi<I = unknown>(options: FakeApiOptions<I> = {}): Promise<FakeApi<I>> {
  const server = createServer({ keepAliveTimeout: 30_000 })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return new FakeApi(server, options)
}

type Refusal = Exclude<Verdict, { readonly kind: 'admitted' }>
type Fault = keyof Faults

function faultOf(faults: Faults, chance: number): Fault | undefined {
  let sum = 0
  for (const fault of ['error', 'unavailable', 'reset', 'slow'] as const) {
    sum += faults[fault] ?? 0
    if (chance < sum) return fault
  }
  return undefined
}

/** The body; undefined when the caller left before it was complete. */
async function textOf(request: IncomingMessage): Promise<string | undefined> {
  try {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    return Buffer.concat(parts).toString()
  } catch {
    return undefined // a call that was given up on is no failure of the server
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
