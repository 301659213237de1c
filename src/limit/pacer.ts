/** Milliseconds of lateness, of timers and busy event loops, that are made up for. */
const LATENESS_MS = 250

/** What a refusal leaves of the rate when it had long been good, and when it came soon after the last one. */
const LATE = 0.95
const EARLY = 0.8
/** Refusals in a row that come early leave ever less, down to this, but not much less than what the server bears. */
const LEAST = 0.5
const BORNE = 0.9
/** Calls let in between refusals that tell how much flows in, and after which a refusal is one for itself. */
const FEW = 4
const SOON = 8
/** A rate so many times too high is lowered to what flows in, not by steps. */
const FAR = 3

/** The rate grows by this factor in a cycle at most, however long ago the last refusal was. */
const CYCLE_GROWTH = 16
/** Calls, or as many as are under way, in which the rate doubles while nothing is known about it. */
const SEARCH_CALLS = 16

/** A meter that a refusal is not put down to rises by so much, and up to so much of what is used of it. */
const RELAXED = 1.1
const ROOM = 2

/** No rate falls below a call in this many milliseconds. */
const SLOWEST_MS = 60_000

/** How long a rate takes to come back after a decrease. */
export interface Cycle {
  /** In calls. */
  readonly calls: number
  /** Calls that are under way together. */
  readonly turn: number
}

/** What a pacer knows. Times are milliseconds of the clock that its calls are told. */
export interface PacerState {
  /** What was declared, in units a millisecond; Infinity if nothing was. */
  ceiling: number
  /** Units a millisecond. Infinity until a refusal showed that there is a limit. */
  rate: number
  /** When the next call may go. */
  next: number
  /** Rate that was refused last, and what it was lowered to. */
  top: number
  base: number
  /** The lowest rate, from the smallest call. */
  floor: number
  /** Calls since the last decrease that had to wait for a rate. */
  calls: number
  /** Decreases in a row that came early. */
  early: number
  /** The first refusal says little about the rate: it is looked for upwards until the next. */
  searching: boolean
  /** The first of refusals that came soon after each other; Infinity before there was one. */
  since: number
  /** What was let in since then, in units and calls, and in calls up to the last of them. */
  sum: number
  count: number
  counted: number
}

export function newPacer(ceiling: number): PacerState {
  const rates = { ceiling, rate: ceiling, top: ceiling, base: ceiling, floor: Infinity }
  const count = { since: Infinity, sum: 0, count: 0, counted: 0 }
  return { ...rates, ...count, next: 0, calls: 0, early: 0, searching: false }
}

/**
 * One meter of a limit - requests, or tokens - that spaces calls by what they cost (GCRA, the token bucket that
 * keeps one number), at a rate that is learnt. A refusal lowers the rate at once; from there it rises by a cubic
 * of the calls made since: fast at first, flat around the rate that was refused, then faster again to find out
 * whether there is more (after CUBIC, RFC 9438, in calls instead of seconds, so that a busy and a slow limit
 * learn alike). A declared rate is the ceiling.
 */
export class Pacer {
  readonly state: PacerState

  constructor(state: PacerState) {
    this.state = state
  }

  get rate(): number {
    return this.state.rate
  }

  /** A ceiling that became known later, or another one than before. */
  declare(ceiling: number): void {
    const { state } = this
    const learnt = state.rate < state.ceiling
    state.ceiling = ceiling
    if (learnt && state.rate < ceiling) return
    // Who declared the old one is gone: what the server bears is looked for from there.
    if (ceiling === Infinity && state.rate < Infinity) state.searching = true
    else state.rate = state.top = state.base = ceiling
  }

  /** Milliseconds until a call may go, whatever it costs: the next one pays by waiting. */
  wait(now: number): number {
    // Rests that floating point cannot add to the time would be waited for without end.
    const wait = this.state.next - now
    return wait > 1e-6 ? wait : 0
  }

  /** A call goes. `late`: it was waiting, so that what it is late by is not lost. */
  take(now: number, cost: number, late: boolean): void {
    const { state } = this
    if (cost > 0) state.floor = Math.min(state.floor, cost / SLOWEST_MS)
    state.sum += cost
    state.count++
    if (state.rate === Infinity) return
    const earliest = late ? now - LATENESS_MS : now
    state.next = Math.max(state.next, earliest) + cost / state.rate
  }

  /** A call cost more than it was taken for, or below 0 less. */
  correct(difference: number): void {
    const { state } = this
    state.sum += difference
    if (state.rate !== Infinity) state.next += difference / state.rate
  }

  /** A call that went at `start`, or was to go, was not let in. */
  uncount(cost: number, start: number): void {
    const { state } = this
    if (start < state.since) return
    state.sum -= cost
    state.count--
  }

  /** A call that was to go does not: the next one takes its turn. */
  giveBack(cost: number): void {
    if (this.state.rate !== Infinity) this.state.next -= cost / this.state.rate
  }

  /** A call that had to wait for a rate was answered, with so many others under way. */
  grow(cycle: Cycle): void {
    const { state } = this
    if (state.rate >= state.ceiling) return
    state.calls++
    state.rate = Math.min(
      state.ceiling,
      state.searching ? this.#doubled(cycle) : this.#cubic(cycle),
    )
  }

  #doubled(cycle: Cycle): number {
    return this.state.rate * 2 ** (1 / Math.max(SEARCH_CALLS, cycle.turn))
  }

  #cubic(cycle: Cycle): number {
    const { state } = this
    const distance = state.calls / cycle.calls - 1
    const depth = 1 - state.base / state.top
    const cubic = state.top * (1 + depth * distance ** 3)
    return Math.max(state.rate, Math.min(cubic, state.rate * CYCLE_GROWTH ** (1 / cycle.calls)))
  }

  /** The server refused because of this meter. */
  lower(now: number, { cost, startedAt, used, sure, cycle }: Refusal): void {
    const { state } = this
    const first = state.rate === Infinity
    const early = state.calls < cycle.calls / 2
    const soon = !first && state.count - state.counted < SOON
    const flowed = soon ? this.#flowed(startedAt, cost) : undefined
    const far = flowed !== undefined && state.rate > FAR * flowed
    state.early = early && sure && !far ? state.early + 1 : 0
    // A burst at the start may be refused several times over: that is one answer.
    state.searching = first || (state.searching && state.calls < 3 && !far)
    if (far) state.top = flowed
    else state.top = Math.min(state.rate, first ? used : sure ? ROOM * used : Infinity)
    const left = early && !far ? Math.max(LEAST, EARLY ** Math.max(1, state.early)) : LATE
    const borne = first || far ? 0 : Math.min(LATE * state.top, BORNE * used)
    state.base = Math.max(Math.min(state.floor, state.top), left * state.top, borne)
    state.rate = state.base
    state.calls = 0
    state.next = now
    if (!soon) {
      state.since = now
      state.sum = 0
      state.count = 0
    }
    state.counted = state.count
  }

  /**
   * Nothing was left at two refusals: what was let in between them flowed in, less than a call more. Units a
   * millisecond. What answers tell is too much of a server that had let in a burst.
   */
  #flowed(now: number, cost: number): number | undefined {
    const { since, sum } = this.state
    return sum >= FEW * cost && since < now ? (sum + cost) / (now - since) : undefined
  }

  /** The server refused because of another meter: this one has been too careful if it held calls back. */
  relax(used: number): void {
    const { state } = this
    if (state.rate > ROOM * used) return
    state.rate = Math.min(state.ceiling, state.rate * RELAXED)
    state.top = Math.max(state.top, state.rate)
  }
}

/** What is known when a call is refused. */
export interface Refusal {
  /** What the refused call costs. */
  readonly cost: number
  /** When it went. */
  readonly startedAt: number
  /** What went through of late, units a millisecond, above 0. */
  readonly used: number
  /** True when enough calls were answered to rely on that. */
  readonly sure: boolean
  readonly cycle: Cycle
}

export interface UsageState {
  sum: number
  /** Milliseconds that the sum stands for, forgotten alike: right from the first answer on. */
  time: number
  at?: number
  tau: number
}

export function newUsage(): UsageState {
  return { sum: 0, time: 0, tau: 1 }
}

/** How fast a meter was used of late: an average that forgets with a time constant. */
export class Usage {
  readonly state: UsageState

  constructor(state: UsageState) {
    this.state = state
  }

  /** The first call goes. */
  begin(now: number): void {
    this.state.at ??= now
  }

  /** A call was answered. `tau`: milliseconds of the past that count from now on. */
  add(now: number, cost: number, tau: number): void {
    const { state } = this
    this.#flow(now)
    state.sum += cost
    state.tau = Math.max(1, tau)
  }

  /** Units a millisecond; undefined before the first answer. */
  rate(now: number): number | undefined {
    const { state } = this
    this.#flow(now)
    return state.sum > 0 ? state.sum / Math.max(1, state.time) : undefined
  }

  #flow(now: number): void {
    const { state } = this
    const kept = Math.exp(((state.at ?? now) - now) / state.tau)
    state.sum *= kept
    state.time = state.time * kept + state.tau * (1 - kept)
    state.at = now
  }
}
