import type { Outcome } from '../../src/limit/controller.ts'
import { type Limiter, LocalLimiter } from '../../src/limit/limiter.ts'
import { SharedLimiter } from '../../src/limit/shared-limiter.ts'
import type { SharedState, Versioned } from '../../src/limit/shared-state.ts'
import { combine, hashUnit } from '../../src/stream/random.ts'
import { turn } from '../../src/stream/turn.ts'
import { ApiModel, type Quota } from '../../src/testing/fake-api/model.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** A run of calls against an API's accounts, in virtual time. Times are milliseconds. */
export interface Simulation {
  readonly calls: number
  /** A minute. */
  readonly quota: Quota
  readonly declared?: Quota
  readonly cost: (i: number) => number
  /** Whether the limiter is told what calls cost. */
  readonly tellsCost: boolean
  readonly latency: readonly [number, number]
  /** To the server and back. */
  readonly network: number
  readonly burst: number
  readonly seed: number
  /** How `Retry-After` is written. */
  readonly retryAfter: 'exact' | 'seconds' | 'none'
  /** The server says which meter is exhausted. */
  readonly saysMeter: boolean
  /** Processes that use the quota. */
  readonly clients: number
  /** They share what they know by a state that takes so many milliseconds to read or to write. */
  readonly shared?: number
  readonly change?: { readonly at: number; readonly quota: Quota }
  readonly down?: { readonly at: number; readonly time: number }
}

export const usual: Simulation = {
  calls: 6000,
  quota: { tokens: 1_000_000 },
  cost: (i) => 3000 + 4000 * hashUnit(7, i),
  tellsCost: true,
  latency: [200, 900],
  network: 20,
  burst: 5000,
  seed: 1,
  retryAfter: 'seconds',
  saysMeter: false,
  clients: 1,
}

const SLOTS = 2048

export function simulate(overrides: Partial<Simulation>) {
  const run = new Run({ ...usual, ...overrides })
  run.start()
  while (run.done < run.options.calls && run.clock.step());
  return run.report
}

/** The same for clients whose limiters wait for a state that they share. */
export async function simulateShared(overrides: Partial<Simulation>) {
  const run = new Run({ ...usual, ...overrides })
  run.start()
  do await turn()
  while (run.done < run.options.calls && run.clock.step())
  return run.report
}

/** A state in memory that takes time. */
export class SlowState implements SharedState {
  readonly #clock: VirtualClock
  readonly #ms: number
  #latest: Versioned = { version: 0, text: '' }
  writes = 0

  constructor(clock: VirtualClock, ms: number) {
    this.#clock = clock
    this.#ms = ms
  }

  async read(): Promise<Versioned> {
    await this.#clock.sleep(this.#ms)
    return this.#latest
  }

  async compareAndSet(version: number, text: string): Promise<boolean> {
    await this.#clock.sleep(this.#ms)
    if (version !== this.#latest.version) return false
    this.#latest = { version: version + 1, text }
    this.writes++
    return true
  }
}

class Run {
  readonly clock = new VirtualClock()
  readonly options: Simulation
  readonly #model: ApiModel
  readonly #limiters: readonly Limiter[]
  readonly state: SlowState
  done = 0
  #next = 0
  #failures = 0
  #draws = 0
  #last = 0

  constructor(options: Simulation) {
    const { quota, burst, network, clients, declared = {}, seed } = options
    this.options = options
    this.#model = new ApiModel(0, { quota, burst, inFlight: Infinity, grace: network + 1 })
    const rates = Object.fromEntries(
      Object.entries(declared).map(([meter, perMinute]) => [meter, Number(perMinute) / 60_000]),
    )
    const ceilings = { rates, inFlight: Infinity }
    const { shared } = options
    const state = new SlowState(this.clock, shared ?? 0)
    this.state = state
    this.#limiters = Array.from({ length: clients }, (_, k) => {
      const key = combine(seed, k)
      if (shared === undefined) return new LocalLimiter(this.clock, ceilings, key)
      return new SharedLimiter(this.clock, state, ceilings, key)
    })
  }

  start(): void {
    const { change, down } = this.options
    const { clock } = this
    const model = this.#model
    if (change) clock.after(change.at, () => model.setQuota(clock.now(), change.quota))
    if (down) clock.after(down.at, () => model.goDown(clock.now() + down.time))
    for (let k = 0; k < SLOTS; k++) this.#begin()
  }

  get report() {
    const { calls, refused, violations } = this.#model
    return {
      done: this.done,
      share: this.#model.share(this.#last),
      refused: refused / calls,
      failures: this.#failures,
      violations: violations.length,
      minutes: this.clock.now() / 60_000,
      writes: this.state.writes,
    }
  }

  #begin(): void {
    if (this.#next < this.options.calls) this.#enter(this.#next++, false)
  }

  #enter(i: number, again: boolean): void {
    const limiter = this.#limiters[i % this.#limiters.length]
    const tokens = this.options.cost(i)
    const costs: { [meter: string]: number } = this.options.tellsCost ? { tokens } : {}
    const half = this.options.network / 2
    limiter?.enter({
      costs,
      again,
      go: (ticket) => {
        this.clock.after(half, () =>
          this.#arrive(tokens, String(i % this.#limiters.length), (outcome) =>
            this.clock.after(half, () => {
              limiter.leave(ticket, outcome)
              this.#answered(i, outcome)
            }),
          ),
        )
      },
      fail: (error) => {
        throw error as Error
      },
    })
  }

  #answered(i: number, { kind }: Outcome): void {
    if (kind === 'refused') return this.#enter(i, true)
    if (kind === 'transient') {
      this.#failures++
      this.clock.after(1000 * this.#chance(), () => this.#enter(i, true))
      return
    }
    this.done++
    this.#last = this.clock.now()
    this.#begin()
  }

  #arrive(tokens: number, caller: string, answer: (outcome: Outcome) => void): void {
    const { latency, retryAfter, saysMeter } = this.options
    const now = this.clock.now()
    const verdict = this.#model.arrive(now, tokens, caller)
    if (verdict.kind === 'down') return answer({ kind: 'transient' })
    if (verdict.kind === 'admitted') {
      this.clock.after(latency[0] + (latency[1] - latency[0]) * this.#chance(), () => {
        this.#model.leave()
        answer({ kind: 'ok' })
      })
      return
    }
    const wait = verdict.retryAfter
    const pause = { exact: wait, seconds: 1000 * Math.ceil(wait / 1000), none: undefined }[
      retryAfter
    ]
    if (pause !== undefined) this.#model.close(now, now + pause, caller)
    answer({ kind: 'refused', pause, meter: saysMeter ? verdict.meter : undefined })
  }

  #chance(): number {
    return hashUnit(this.options.seed, this.#draws++)
  }
}
