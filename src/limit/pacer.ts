/** Milliseconds of lateness, of timers and busy event loops, that are made up for. */
const LATENESS_MS = 250

/** What a refusal leaves of the rate when it had long been good, and when it came soon after the last one. */
const LATE = 0.95
const EARLY = 0.8
/** Refusals in a row that come early leave ever less, down to this, but not much less than what the server bears. */
const LEAST = 0.5
const BORNE = 0.9

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

/**
 * One meter of a limit - requests, or tokens - that spaces calls by what they cost (GCRA, the token bucket that
 * keeps one number), at a rate that is learnt. A refusal lowers the rate at once; from there it rises by a cubic
 * of the calls made since: fast at first, flat around the rate that was refused, then faster again to find out
 * whether there is more (after CUBIC, RFC 9438, in calls instead of seconds, so that a busy and a slow limit
 * learn alike). A declared rate is the ceiling.
 */
export class Pacer {
  /** Units a millisecond. Infinity until a refusal showed that there is a limit. */
  rate: number
  #ceiling: number
  /** When the next call may go. */
  #next = 0
  /** Rate that was refused last, and what it was lowered to. */
  #top: number
  #base: number
  /** The lowest rate, from the smallest call. */
  #floor = Infinity
  /** Calls since the last decrease that had to wait for a rate. */
  #calls = 0
  /** Decreases in a row that came early. */
  #early = 0
  /** The first refusal says little about the rate: it is looked for upwards until the next. */
  #searching = false

  /** `ceiling` is what was declared, Infinity if nothing was. */
  constructor(ceiling: number) {
    this.#ceiling = ceiling
    this.rate = this.#top = this.#base = ceiling
  }

  /** A ceiling that became known later. */
  declare(ceiling: number): void {
    this.#ceiling = ceiling
    if (this.rate < ceiling) return
    this.rate = this.#top = this.#base = ceiling
  }

  /** Milliseconds until a call may go, whatever it costs: the next one pays by waiting. */
  wait(now: number): number {
    // Rests that floating point cannot add to the time would be waited for without end.
    const wait = this.#next - now
    return wait > 1e-6 ? wait : 0
  }

  /** A call goes. `late`: it was waiting, so that what it is late by is not lost. */
  take(now: number, cost: number, late: boolean): void {
    if (cost > 0) this.#floor = Math.min(this.#floor, cost / SLOWEST_MS)
    if (this.rate === Infinity) return
    const earliest = late ? now - LATENESS_MS : now
    this.#next = Math.max(this.#next, earliest) + cost / this.rate
  }

  /** A call cost more than it was taken for, or below 0 less. */
  correct(difference: number): void {
    if (this.rate !== Infinity) this.#next += difference / this.rate
  }

  /** A call that had to wait for a rate was answered, with so many others under way. */
  grow(cycle: Cycle): void {
    if (this.rate >= this.#ceiling) return
    this.#calls++
    this.rate = Math.min(this.#ceiling, this.#searching ? this.#doubled(cycle) : this.#cubic(cycle))
  }

  #doubled(cycle: Cycle): number {
    return this.rate * 2 ** (1 / Math.max(SEARCH_CALLS, cycle.turn))
  }

  #cubic(cycle: Cycle): number {
    const distance = this.#calls / cycle.calls - 1
    const depth = 1 - this.#base / this.#top
    const cubic = this.#top * (1 + depth * distance ** 3)
    return Math.max(this.rate, Math.min(cubic, this.rate * CYCLE_GROWTH ** (1 / cycle.calls)))
  }

  /** The server refused because of this meter. */
  lower(now: number, { used, sure, cycle }: Refusal): void {
    const first = this.rate === Infinity
    const early = this.#calls < cycle.calls / 2
    this.#early = early && sure ? this.#early + 1 : 0
    // A burst at the start may be refused several times over: that is one answer.
    this.#searching = first || (this.#searching && this.#calls < 3)
    const most = first ? used : sure ? ROOM * used : Infinity
    this.#top = Math.min(this.rate, most)
    const left = early ? Math.max(LEAST, EARLY ** Math.max(1, this.#early)) : LATE
    const borne = first ? 0 : Math.min(LATE * this.#top, BORNE * used)
    this.#base = Math.max(Math.min(this.#floor, this.#top), left * this.#top, borne)
    this.rate = this.#base
    this.#calls = 0
    this.#next = now
  }

  /** The server refused because of another meter: this one has been too careful if it held calls back. */
  relax(used: number): void {
    if (this.rate > ROOM * used) return
    this.rate = Math.min(this.#ceiling, this.rate * RELAXED)
    this.#top = Math.max(this.#top, this.rate)
  }
}

/** What is known when a call is refused. */
export interface Refusal {
  /** What went through of late, units a millisecond, above 0. */
  readonly used: number
  /** True when enough calls were answered to rely on that. */
  readonly sure: boolean
  readonly cycle: Cycle
}

/** How fast a meter was used of late: an average that forgets with a time constant. */
export class Usage {
  #sum = 0
  /** Milliseconds that the sum stands for, forgotten alike: right from the first answer on. */
  #time = 0
  #at: number | undefined
  #tau = 1

  /** The first call goes. */
  begin(now: number): void {
    this.#at ??= now
  }

  /** A call was answered. `tau`: milliseconds of the past that count from now on. */
  add(now: number, cost: number, tau: number): void {
    this.#flow(now)
    this.#sum += cost
    this.#tau = Math.max(1, tau)
  }

  /** Units a millisecond; undefined before the first answer. */
  rate(now: number): number | undefined {
    this.#flow(now)
    return this.#sum > 0 ? this.#sum / Math.max(1, this.#time) : undefined
  }

  #flow(now: number): void {
    const kept = Math.exp(((this.#at ?? now) - now) / this.#tau)
    this.#sum *= kept
    this.#time = this.#time * kept + this.#tau * (1 - kept)
    this.#at = now
  }
}
