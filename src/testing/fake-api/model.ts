import { Bucket } from './bucket.ts'

/** What an API lets through in a minute. */
export interface Quota {
  readonly requests?: number
  readonly tokens?: number
}

/** What a call comes to. Times are milliseconds of the model's clock. */
export type Verdict =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly meter: Meter; readonly retryAfter: number }
  | { readonly kind: 'down'; readonly retryAfter: number }

export type Meter = 'requests' | 'tokens' | 'inFlight'

/** A call that came although the server had asked not to be called. */
export interface Violation {
  /** When it came, and until when nobody should have called. */
  readonly at: number
  readonly until: number
}

export interface ModelOptions {
  readonly quota: Quota
  /** Milliseconds of the quota that may be used at once. */
  readonly burst: number
  readonly inFlight: number
  /** Milliseconds in which calls may still come that were sent before the refusal was read. */
  readonly grace: number
}

/**
 * The accounts of a rate-limited API, without sockets and timers: what it lets in, what it refuses and for how
 * long. Refused calls take nothing from the quota.
 */
export class ApiModel {
  readonly violations: Violation[] = []
  calls = 0
  admitted = 0
  refused = 0
  underWay = 0
  mostUnderWay = 0
  readonly #options: ModelOptions
  readonly #buckets = new Map<'requests' | 'tokens', Bucket>()
  /** When a caller should not call, said its last refusal. */
  readonly #closed = new Map<string, { readonly from: number; readonly until: number }>()
  #downUntil = 0

  constructor(now: number, options: ModelOptions) {
    this.#options = options
    this.setQuota(now, options.quota)
  }

  /** Another quota from now on; what is left out stays as it is. */
  setQuota(now: number, quota: Quota): void {
    for (const meter of ['requests', 'tokens'] as const) {
      const perMinute = quota[meter]
      if (perMinute === undefined) continue
      const bucket = this.#buckets.get(meter)
      if (bucket !== undefined) bucket.setRate(now, perMinute, this.#options.burst)
      else this.#buckets.set(meter, new Bucket(now, perMinute, this.#options.burst))
    }
  }

  /** Answers nobody until then. */
  goDown(until: number): void {
    this.#downUntil = until
  }

  /** A call comes. When it is admitted, `leave` follows. */
  arrive(now: number, tokens: number, caller = ''): Verdict {
    this.calls++
    const { from, until } = this.#closed.get(caller) ?? OPEN
    if (now > from + this.#options.grace && now < until) this.violations.push({ at: now, until })
    if (now < this.#downUntil) return { kind: 'down', retryAfter: this.#downUntil - now }
    if (this.underWay >= this.#options.inFlight) return this.#refuse('inFlight', 0)
    const costs = { requests: 1, tokens }
    let longest: { meter: Meter; wait: number } | undefined
    for (const [meter, bucket] of this.#buckets) {
      const wait = bucket.wait(now, costs[meter])
      if (wait > (longest?.wait ?? 0)) longest = { meter, wait }
    }
    if (longest !== undefined) return this.#refuse(longest.meter, longest.wait)
    for (const [meter, bucket] of this.#buckets) bucket.take(now, costs[meter])
    this.admitted++
    this.underWay++
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay)
    return { kind: 'admitted' }
  }

  /** An admitted call was answered. */
  leave(): void {
    this.underWay--
  }

  /** The server said so: calls before `until` are violations. */
  close(from: number, until: number, caller = ''): void {
    const known = this.#closed.get(caller) ?? OPEN
    this.#closed.set(caller, { from, until: Math.max(until, known.until) })
  }

  /** Used of what the quota offered between the first call and `now`, of the meter that was used most. */
  share(now: number): number {
    const shares = [...this.#buckets.values()].map(
      (bucket) => bucket.given / (bucket.offered(now) + bucket.capacity),
    )
    return shares.length === 0 ? Number.NaN : Math.max(...shares)
  }

  /** Limit, what remains and when it is full again, as headers tell it. */
  state(now: number, meter: 'requests' | 'tokens') {
    const bucket = this.#buckets.get(meter)
    if (bucket === undefined) return undefined
    return {
      perMinute: bucket.perMinute,
      remaining: Math.max(0, Math.floor(bucket.level(now))),
      reset: bucket.untilFull(now),
    }
  }

  #refuse(meter: Meter, retryAfter: number): Verdict {
    this.refused++
    return { kind: 'refused', meter, retryAfter }
  }
}

const OPEN = { from: 0, until: 0 }
