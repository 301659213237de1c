import type { Costs } from '../stream/budget.ts'
import { hashUnit } from '../stream/random.ts'
import {
  type Cycle,
  newPacer,
  newUsage,
  Pacer,
  type PacerState,
  Usage,
  type UsageState,
} from './pacer.ts'
import { newSuspicion, Suspicion, type SuspicionState } from './suspicion.ts'

/** What became of a call. */
export interface Outcome {
  readonly kind: 'ok' | 'refused' | 'transient' | 'permanent'
  /** Milliseconds for which the server asks not to be called. */
  readonly pause?: number | undefined
  /** The meter that is exhausted, where the server says so. */
  readonly meter?: string | undefined
  /** What it cost in truth, where that differs. */
  readonly spent?: Costs | undefined
}

/** Ceilings in units a millisecond, and calls under way. */
export interface Ceilings {
  readonly rates: { readonly [meter: string]: number }
  readonly inFlight: number
}

/** A call as the controller sees it. */
export interface PacedCall {
  readonly costs: Costs
  /** It was made before. */
  readonly again: boolean
  /** The meter whose rate it had to wait for: its success may raise that. */
  readonly pacedBy: string | undefined
}

/** The same, once it went. */
export interface StartedCall extends PacedCall {
  readonly startedAt: number
  /** When it was let go; a process that shares a limit is granted calls some time ahead. */
  readonly grantedAt: number
}

/** All that is known of a server: plain data, so that processes can hand it on. Times are milliseconds of one clock. */
export interface ControllerState {
  readonly meters: { [name: string]: MeterState }
  /** Calls under way at most, while no rate is known. */
  window: number
  /** Mean time of a call, and between answers. */
  latency: number
  interval: number
  answeredAt?: number
  answers: number
  pausedUntil: number
  /** Until when the server wants no calls. */
  askedUntil: number
  loweredAt: number
  refusedInRow: number
  failedInRow: number
  draws: number
}

interface MeterState {
  readonly pacer: PacerState
  readonly usage: UsageState
  readonly suspicion: SuspicionState
}

interface Meter {
  readonly pacer: Pacer
  readonly usage: Usage
  readonly suspicion: Suspicion
}

/** Calls under way at the start, where no rate is declared; they double with each round of answers. */
const FIRST_WINDOW = 8
/** Failures in a row, without a success, after which the server is taken to be down. */
const DOWN_AFTER = 8
/** A cycle of a rate takes a minute, within these numbers of calls: one in so many is refused. */
const LEAST_CYCLE = 80
const MOST_CYCLE = 250
/** What a decrease does shows only when the calls under way are answered. */
const CYCLE_TURNS = 10
/** Usage is averaged over so many answers' times, and so many answers. */
const USAGE_TURNS = 4
const USAGE_CALLS = 16
/** Answers after which that average is to be trusted. */
const SURE_CALLS = 32
const FIRST_GUESS_MS = 1_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000

/** What is known of a server that was never called. */
export function newController(): ControllerState {
  return {
    meters: {},
    window: FIRST_WINDOW,
    latency: 0,
    interval: 0,
    answers: 0,
    pausedUntil: 0,
    askedUntil: 0,
    loweredAt: 0,
    refusedInRow: 0,
    failedInRow: 0,
    draws: 0,
  }
}

/**
 * Learns from the outcomes of calls when the next one may be made. It has no queue and no timer: it is told the
 * time and what happened, in order.
 */
export class Controller {
  readonly state: ControllerState
  #ceilings: Ceilings
  readonly #key: number
  readonly #meters = new Map<string, Meter>()

  /** Goes on from a state, which it changes. `key` seeds the jitter of its pauses. */
  constructor(state: ControllerState, ceilings: Ceilings, key: number) {
    this.state = state
    this.#key = key
    this.#ceilings = ceilings
    for (const name of Object.keys(state.meters)) this.#meter(name)
    this.declare(ceilings)
  }

  /** Ceilings that became known, or others than before. */
  declare(ceilings: Ceilings): void {
    this.#ceilings = ceilings
    const names = new Set([...Object.keys(ceilings.rates), ...this.#meters.keys()])
    for (const name of names) {
      const ceiling = ceilings.rates[name] ?? Infinity
      this.#meter(name).pacer.declare(ceiling)
      if (ceiling < Infinity) this.state.window = Infinity
    }
  }

  /** The clock was set: all times move by so many milliseconds. */
  moveBy(ms: number): void {
    const { state } = this
    state.pausedUntil += ms
    state.askedUntil += ms
    state.loweredAt += ms
    if (state.answeredAt !== undefined) state.answeredAt += ms
    for (const { pacer, usage } of this.#meters.values()) {
      pacer.state.next += ms
      if (usage.state.at !== undefined) usage.state.at += ms
    }
  }

  /** Calls that may be under way. */
  get most(): number {
    const { failedInRow, refusedInRow, window } = this.state
    if (failedInRow >= DOWN_AFTER || refusedInRow > 1) return 1
    return Math.min(window, this.#ceilings.inFlight)
  }

  /** Milliseconds until pauses and rates let a call go, and the rate that held it back longest. */
  wait(costs: Costs, now: number): { readonly ms: number; readonly pacedBy: string | undefined } {
    let longest = this.#meter('requests').pacer.wait(now)
    let pacedBy = longest > 0 ? 'requests' : undefined
    for (const name of Object.keys(costs)) {
      const wait = this.#meter(name).pacer.wait(now)
      if (wait <= longest) continue
      longest = wait
      pacedBy = name
    }
    return { ms: Math.max(this.state.pausedUntil - now, longest), pacedBy }
  }

  /** A call goes. */
  start({ costs, again, pacedBy }: PacedCall, now: number): void {
    const late = pacedBy !== undefined
    const requests = this.#meter('requests')
    requests.pacer.take(now, 1, late)
    requests.usage.begin(now)
    for (const [name, cost] of Object.entries(costs)) {
      const { pacer, suspicion, usage } = this.#meter(name)
      pacer.take(now, cost, late)
      usage.begin(now)
      if (!again) suspicion.called(cost)
    }
  }

  /** A call that was let go is not made. */
  giveBack({ costs, grantedAt }: StartedCall): void {
    const forgotten = grantedAt < this.state.loweredAt // no turn is left to give
    for (const [name, cost] of Object.entries({ ...costs, requests: 1 })) {
      const { pacer } = this.#meter(name)
      pacer.uncount(cost, grantedAt)
      if (!forgotten) pacer.giveBack(cost)
    }
  }

  /** A call is over; `underWay` others are not. */
  leave(call: StartedCall, outcome: Outcome, now: number, underWay: number): void {
    if (outcome.pause !== undefined) this.ask(now + outcome.pause)
    if (outcome.kind === 'refused') this.#refused(call, outcome, now, underWay)
    else if (outcome.kind === 'transient') this.#failed(now, underWay)
    else this.#answered(call, outcome.spent, now, underWay)
  }

  /** The server wants no calls until then. */
  ask(until: number): void {
    this.state.askedUntil = Math.max(this.state.askedUntil, until)
    this.pause(until)
  }

  /** No call goes until then, whatever the reason. */
  pause(until: number): void {
    this.state.pausedUntil = Math.max(this.state.pausedUntil, until)
  }

  /** True when a call may go at once. */
  idle(now: number): boolean {
    const paced = [...this.#meters.values()].some(({ pacer }) => pacer.wait(now) > 0)
    return !paced && this.state.pausedUntil <= now
  }

  #meter(name: string): Meter {
    const known = this.#meters.get(name)
    if (known !== undefined) return known
    const state = (this.state.meters[name] ??= {
      pacer: newPacer(this.#ceilings.rates[name] ?? Infinity),
      usage: newUsage(),
      suspicion: newSuspicion(),
    })
    const made = {
      pacer: new Pacer(state.pacer),
      usage: new Usage(state.usage),
      suspicion: new Suspicion(state.suspicion),
    }
    this.#meters.set(name, made)
    return made
  }

  #answered(call: StartedCall, spent: Costs | undefined, now: number, underWay: number): void {
    const { costs, startedAt, pacedBy } = call
    const { state } = this
    state.refusedInRow = state.failedInRow = 0
    state.latency += (now - startedAt - state.latency) / (state.latency === 0 ? 1 : 8)
    for (const [name, cost] of Object.entries(spent ?? {})) {
      this.#meter(name).pacer.correct(cost - (costs[name] ?? 0))
    }
    state.answers++
    state.interval += (now - (state.answeredAt ?? now) - state.interval) / USAGE_CALLS
    state.answeredAt = now
    const span = Math.max(USAGE_TURNS * state.latency, USAGE_CALLS * state.interval)
    for (const [name, cost] of Object.entries({ ...costs, ...spent, requests: 1 })) {
      this.#meter(name).usage.add(now, cost, span)
    }
    if (Number.isFinite(state.window)) state.window++
    if (pacedBy !== undefined) this.#meter(pacedBy).pacer.grow(this.#cycle(now, underWay))
  }

  /** Calls after a decrease until a rate is back where it was. */
  #cycle(now: number, underWay: number): Cycle {
    const rate = this.#meter('requests').usage.rate(now) ?? 0
    // Calls that are usually under way (Little's law): after a pause there are none.
    const turn = Math.max(underWay, rate * this.state.latency)
    const aMinute = Math.max(LEAST_CYCLE, Math.min(MOST_CYCLE, rate * 60_000))
    return { calls: Math.max(aMinute, CYCLE_TURNS * turn), turn }
  }

  #refused(call: StartedCall, { pause, meter }: Outcome, now: number, underWay: number): void {
    const { state } = this
    state.refusedInRow++
    state.window = Infinity
    if (pause === undefined) this.pause(now + this.#backoff(state.refusedInRow))
    for (const [name, cost] of Object.entries({ ...call.costs, requests: 1 })) {
      this.#meter(name).pacer.uncount(cost, call.grantedAt)
    }
    // Calls that were let go before the rate was lowered say nothing about the lower rate.
    if (call.grantedAt < state.loweredAt) return
    state.loweredAt = now
    const costs: Costs = { ...call.costs, requests: 1 }
    const limited = this.#limitedMeters(call.costs, meter)
    const sure = state.answers >= SURE_CALLS
    for (const [name, { pacer, usage, suspicion }] of this.#meters) {
      // Before any answer, the pause is how long the server needs to let in this call.
      const cost = costs[name] ?? 0
      const guess = cost / (pause ?? FIRST_GUESS_MS)
      const used = usage.rate(now) ?? guess
      const { startedAt } = call
      const cycle = this.#cycle(now, underWay)
      if (limited(name))
        pacer.lower(now, {
          cost: Math.max(cost, suspicion.state.mean),
          startedAt,
          used,
          sure,
          cycle,
        })
      else pacer.relax(used)
    }
  }

  /** Which meters a refusal is to be put down to. */
  #limitedMeters(costs: Costs, said: string | undefined): (name: string) => boolean {
    // Of a meter that no cost was named for, requests are the measure there is.
    if (said !== undefined) return (name) => name === (said in costs ? said : 'requests')
    let byCost = false
    let unknown = false
    for (const [name, cost] of Object.entries(costs)) {
      const { suspicion } = this.#meter(name)
      suspicion.refused(cost)
      if (suspicion.verdict === true) byCost = true
      else if (suspicion.verdict === undefined) unknown = true
    }
    return (name) =>
      name === 'requests' ? !byCost : (this.#meter(name).suspicion.verdict ?? (unknown && !byCost))
  }

  /** The server fails. When it only does so, calls wait, and then go one by one until one is answered. */
  #failed(now: number, underWay: number): void {
    const { state } = this
    state.failedInRow++
    if (state.failedInRow < Math.max(DOWN_AFTER, underWay)) return
    if (now < state.pausedUntil) return
    this.pause(now + this.#backoff(state.failedInRow - DOWN_AFTER + 1))
  }

  /** Exponential with jitter; each limit has its own chance. */
  #backoff(round: number): number {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(round, 16))
    return most * (0.5 + 0.5 * hashUnit(this.#key, this.state.draws++))
  }
}
