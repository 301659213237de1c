import { setMaxListeners } from 'node:events'
import {
  BudgetError,
  CallTimeoutError,
  ClusterError,
  RunStoppedError,
  StorageError,
  WorkerDiedError,
} from '../errors/index.ts'
import type { FailureKind } from '../http/index.ts'
import type { Budget, Costs } from '../stream/budget.ts'
import type { CallStore, KeptCalls } from '../stream/call-store.ts'
import { type Clock, sleep } from '../stream/clock.ts'
import { combine } from '../stream/random.ts'
import { type Cost, costsOf } from './cost.ts'
import { type Limit, outcomeOf } from './limit.ts'
import type { Outcome } from './controller.ts'
import type { Limiter } from './limiter.ts'
import { KeptResults } from './kept-results.ts'
import { KeyOrder } from './order.ts'
import { type CallResult, ResultCache } from './result-cache.ts'
import { kindOf, nextDelay, type RetryPolicy } from './retry.ts'
import { Slots } from './slots.ts'
import type { Ticket } from './tickets.ts'

type AnyFn<R> = (...args: never[]) => R

/** How a stage calls the world; `map`'s options, checked and complete. */
export interface CallPolicy {
  readonly parallelism: number | 'auto'
  readonly limit: Limit | AnyFn<Limit> | undefined
  readonly cost: AnyFn<Cost> | undefined
  readonly spent: AnyFn<Cost> | undefined
  readonly retry: RetryPolicy
  readonly timeout: number | undefined
  readonly cache: string | undefined
  readonly orderedBy: AnyFn<unknown> | undefined
}

/** What the run gives to calls. */
export interface CallWorld {
  /** Stands for (seed, stage, epoch). */
  readonly key: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly budget: Budget
  readonly store: () => Promise<CallStore>
  /** For results of stages without a cache. */
  readonly kept: KeptCalls | undefined
  /** A call was not made: its result was there. */
  readonly cached: () => void
  /** A call waited for its limit, between times of the clock. */
  readonly waited: (start: number, end: number) => void
  readonly retried: (index: number, attempt: number, error: unknown, delay: number) => void
}

/** Makes the call; its signal is aborted when the run stops or the call takes too long. */
export type Call = (signal: AbortSignal) => unknown

/** Makes the calls of one stage by its policy. */
export class Calls {
  readonly slots: Slots
  readonly #policy: CallPolicy
  readonly #world: CallWorld
  readonly #order: KeyOrder | undefined
  readonly #cache: ResultCache | undefined
  readonly #kept: KeptResults | undefined
  /** Aborted when the run stops, or nobody wants the results any more. */
  readonly #control = new AbortController()
  readonly #onAbort = (): void => this.stop(this.#world.signal.reason)
  /** What to end when it is. */
  readonly #waiting = new Set<() => void>()

  constructor(policy: CallPolicy, world: CallWorld) {
    this.#policy = policy
    this.#world = world
    this.slots = new Slots(policy.parallelism, () => world.clock.now())
    this.#order = policy.orderedBy === undefined ? undefined : new KeyOrder()
    this.#cache =
      policy.cache === undefined ? undefined : new ResultCache(policy.cache, world.store)
    this.#kept = world.kept && new KeptResults(world.kept)
    setMaxListeners(0, this.#control.signal) // every call under way may listen
    world.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Never rejects. */
  async run(x: unknown, index: number, call: Call): Promise<CallResult> {
    const state: CallState = {
      x,
      index,
      call,
      attempts: 0,
      failed: 0,
      startedAt: undefined,
      asked: 0,
      kept: undefined,
    }
    let leave: (() => void) | undefined
    try {
      leave = await this.#order?.enter(apply(this.#policy.orderedBy, x))
      return await this.#result(state)
    } catch (error) {
      return { ok: false, error, attempts: state.attempts }
    } finally {
      state.kept?.()
      leave?.()
    }
  }

  /** What is kept, or else what calls give. */
  async #result(state: CallState): Promise<CallResult> {
    const { x, index } = state
    let made = false
    const call = (): Promise<CallResult> => {
      made = true
      return this.#attempts(state)
    }
    const kept = this.#cache?.get(x, call) ?? this.#kept?.get(index, x, call)
    const result = await (kept ?? call())
    if (!made) this.#world.cached()
    return result
  }

  /** Ends what waits, and asks the calls under way to end. */
  stop(reason: unknown): void {
    if (this.#control.signal.aborted) return
    this.#control.abort(reason)
    this.#world.signal.removeEventListener('abort', this.#onAbort)
    for (const cancel of this.#waiting) cancel()
    this.#waiting.clear()
    this.slots.wakeAll()
  }

  async #attempts(state: CallState): Promise<CallResult> {
    const { budget } = this.#world
    const costs = this.#costOf(state.x)
    const counted = { ...costs, requests: 1 }
    const room = budget.reserve(counted)
    if (room !== undefined) await room
    let spent: Costs | undefined
    try {
      return await this.#untilDone(state, costs, (value) => {
        spent = costs // the call was made, also where `spent` throws
        spent = this.#spentOf(value, state.x) ?? costs
        return spent
      })
    } finally {
      if (spent === undefined) budget.release(counted)
      else budget.pay(counted, { ...spent, requests: 1 })
    }
  }

  async #untilDone(
    state: CallState,
    costs: Costs,
    paid: (value: unknown) => Costs,
  ): Promise<CallResult> {
    const limiter = this.#limiterOf(state.x)
    for (;;) {
      const done = await this.#once(state, costs, limiter, paid)
      if (done.ok) return { ok: true, value: done.value }
      const delay = this.#delayOf(state, done, limiter)
      if (delay === undefined) return { ok: false, error: done.error, attempts: state.attempts }
      this.#world.retried(state.index, state.attempts, done.error, delay)
      if (delay > 0) await sleep(this.#world.clock, delay, this.#control.signal)
    }
  }

  /** One call, when limit and slots let it. */
  async #once(
    state: CallState,
    costs: Costs,
    limiter: Limiter | undefined,
    paid: (value: unknown) => Costs,
  ) {
    const { clock } = this.#world
    const ticket = await this.#admitted(limiter, costs, state.attempts > 0)
    state.startedAt ??= clock.now() - (limiter?.asked ?? 0)
    state.attempts++
    const start = clock.now()
    let outcome: Outcome = { kind: 'permanent' }
    try {
      const value = await this.#timed(state.call)
      outcome = { kind: 'ok', spent: paid(value) }
      return { ok: true, value } as const
    } catch (error) {
      const kind = kindOf(this.#policy.retry, error)
      outcome = { ...outcomeOf(error, costs, clock.date()), kind }
      return { ok: false, error, kind, pause: outcome.pause } as const
    } finally {
      // A limit sees to refusals itself: fewer calls at once would only leave its quota unused.
      const limited = limiter !== undefined && outcome.kind === 'refused'
      const free = (): void => this.slots.free(limited ? 'permanent' : outcome.kind, start)
      // Until it is kept a result is lost with the process: no further call takes its place before.
      const keeps = this.#cache !== undefined || this.#kept !== undefined
      if (keeps && outcome.kind === 'ok') state.kept = free
      else free()
      if (ticket !== undefined) limiter?.leave(ticket, outcome)
    }
  }

  #delayOf(
    state: CallState,
    { kind, error, pause }: Failed,
    limiter: Limiter | undefined,
  ): number | undefined {
    this.#control.signal.throwIfAborted()
    const { clock, key } = this.#world
    if (kind !== 'refused' || limiter === undefined) state.failed++
    if (limiter === undefined) state.asked += pause ?? 0
    const asked = limiter?.asked ?? state.asked
    return nextDelay(this.#policy.retry, kind, {
      error,
      failed: state.failed,
      elapsed: clock.now() - asked - (state.startedAt ?? 0),
      pause,
      limited: limiter !== undefined,
      key: combine(key, state.index),
    })
  }

  /** Waits for the limit, then for a slot; a call that finds none gives its turn back and takes the next. */
  async #admitted(
    limiter: Limiter | undefined,
    costs: Costs,
    again: boolean,
  ): Promise<Ticket | undefined> {
    this.#control.signal.throwIfAborted()
    if (limiter === undefined) {
      if (!this.slots.take()) await this.#nextSlot()
      return undefined
    }
    for (let before = again; ; before = true) {
      const ticket = await this.#turn(limiter, costs, before)
      if (this.slots.take()) return ticket
      limiter.giveBack(ticket)
      await this.#nextSlot()
      const next = await this.#turnInSlot(limiter, costs)
      if (next !== undefined) return next
    }
  }

  /**
   * A turn for a call that has a slot. It waits in the slot where all calls share one limit; where there are several, the
   * slot goes to a call of another one: undefined.
   */
  async #turnInSlot(limiter: Limiter, costs: Costs): Promise<Ticket | undefined> {
    let ticket: Ticket | undefined
    try {
      const isOnly = typeof this.#policy.limit !== 'function'
      ticket = isOnly ? await this.#turn(limiter, costs, true) : turnNow(limiter, costs)
      return ticket
    } finally {
      if (ticket === undefined) this.slots.unused()
    }
  }

  async #turn(limiter: Limiter, costs: Costs, again: boolean): Promise<Ticket> {
    const { clock, waited } = this.#world
    const { signal } = this.#control
    signal.throwIfAborted()
    const start = clock.now()
    const ticket = await new Promise<Ticket>((resolve, reject) => {
      const cancel = (): void => {
        limiter.cancel(waiting)
        reject(signal.reason as Error)
      }
      this.#waiting.add(cancel)
      const waiting = limiter.enter({
        costs,
        again,
        go: (entered) => {
          this.#waiting.delete(cancel)
          resolve(entered)
        },
        fail: (error) => {
          this.#waiting.delete(cancel)
          reject(error)
        },
      })
    })
    const end = clock.now()
    if (end > start) waited(start, end)
    return ticket
  }

  async #nextSlot(): Promise<void> {
    await this.slots.next()
    if (!this.#control.signal.aborted) return
    this.slots.unused()
    this.#control.signal.throwIfAborted()
  }

  async #timed(call: Call): Promise<unknown> {
    const { timeout } = this.#policy
    const { clock } = this.#world
    const { signal } = this.#control
    if (timeout === undefined) return call(signal)
    const control = new AbortController()
    const stop = (): void => control.abort(signal.reason)
    this.#waiting.add(stop)
    let cancel = (): void => undefined
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(timeout, () => {
        const error = new CallTimeoutError(timeout)
        control.abort(error)
        reject(error)
      })
    })
    try {
      return await Promise.race([call(control.signal), late])
    } catch (error) {
      throw control.signal.aborted && !signal.aborted ? control.signal.reason : error
    } finally {
      cancel()
      this.#waiting.delete(stop)
    }
  }

  #limiterOf(x: unknown): Limiter | undefined {
    const { limit } = this.#policy
    const chosen = typeof limit === 'function' ? (limit as (x: unknown) => Limit)(x) : limit
    return chosen?.limiter(this.#world.clock)
  }

  #costOf(x: unknown): Costs {
    const { cost } = this.#policy
    return cost === undefined ? {} : costsOf('map: cost', (cost as (x: unknown) => Cost)(x))
  }

  #spentOf(value: unknown, x: unknown): Costs | undefined {
    const { spent } = this.#policy
    if (spent === undefined) return undefined
    return costsOf('map: spent', (spent as (value: unknown, x: unknown) => Cost)(value, x))
  }
}

interface Failed {
  readonly error: unknown
  readonly kind: FailureKind
  /** Milliseconds for which the server asks not to be called. */
  readonly pause: number | undefined
}

interface CallState {
  readonly x: unknown
  readonly index: number
  readonly call: Call
  /** Calls made. */
  attempts: number
  /** Calls that failed by themselves, not for the limit. */
  failed: number
  /** When the first call was made, in time without what servers asked to wait. */
  startedAt: number | undefined
  asked: number
  /** Frees the slot of a call whose result is being kept. */
  kept: (() => void) | undefined
}

/** True for errors that no policy lets a run go on behind. */
export function endsRun(error: unknown): boolean {
  if (error instanceof WorkerDiedError) return !error.replaced
  return lasting.some((kind) => error instanceof kind)
}

const lasting = [BudgetError, StorageError, ClusterError, RunStoppedError]

function apply<R>(fn: AnyFn<R> | undefined, x: unknown): R | undefined {
  return (fn as ((x: unknown) => R) | undefined)?.(x)
}

/** A turn that needs no waiting. */
function turnNow(limiter: Limiter, costs: Costs): Ticket | undefined {
  let error: unknown
  let entered: Ticket | undefined
  const ticket = limiter.enter({
    costs,
    again: true,
    go: (now) => (entered = now),
    fail: (reason) => (error = reason),
  })
  if (error !== undefined) throw error
  if (entered === undefined) limiter.cancel(ticket)
  return entered
}
