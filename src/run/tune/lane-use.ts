import type { IdleReason } from '../../stream/tuning.ts'

/** Milliseconds of lanes so far: with work, and without, by why. */
export interface LaneTimes {
  readonly busy: number
  readonly input: number
  readonly room: number
}

/**
 * What the lanes of a stage did, over time. It is told when one begins and when one has nothing to do, not for each
 * element: a stage whose lanes are always busy costs nothing.
 */
export class LaneUse {
  readonly #now: () => number
  readonly #width: () => number
  #last: number
  #active = 0
  #why: IdleReason = 'input'
  #busy = 0
  /** Lanes by milliseconds. */
  #wide = 0
  readonly #first: number
  readonly #idle = { input: 0, room: 0 }

  /** `width`: how many lanes there may be, which may change. */
  constructor(now: () => number, width: () => number) {
    this.#now = now
    this.#width = width
    this.#first = this.#last = now()
  }

  begins(): void {
    this.settle()
    this.#active++
  }

  rests(why: IdleReason): void {
    this.settle()
    this.#active--
    this.#why = why
  }

  get times(): LaneTimes {
    this.settle()
    return { busy: this.#busy, ...this.#idle }
  }

  /** How many lanes there were, on average. */
  get width(): number {
    this.settle()
    const ms = this.#last - this.#first
    return ms === 0 ? this.#width() : Math.round(this.#wide / ms)
  }

  /** Counts up to now: the width is about to change. */
  settle(): void {
    const now = this.#now()
    const ms = now - this.#last
    this.#last = now
    this.#busy += this.#active * ms
    this.#wide += this.#width() * ms
    this.#idle[this.#why] += Math.max(0, this.#width() - this.#active) * ms
  }
}
