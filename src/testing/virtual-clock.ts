import type { Clock } from '../stream/clock.ts'
import { turn } from '../stream/turn.ts'

interface Timer {
  readonly time: number
  /** Timers of the same time ring in the order in which they were set. */
  readonly order: number
  readonly fn: () => void
}

/**
 * A clock for tests: an hour of waiting takes no time. It only moves when it is told to. What it drives may
 * wait for promises and for its timers, not for the world.
 */
export class VirtualClock implements Clock {
  #now = 0
  readonly #timers: Timer[] = []
  #count = 0
  readonly #epoch: number

  /** `epoch`: what `date()` says at the start, milliseconds since 1970. */
  constructor(epoch: number = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch
  }

  now(): number {
    return this.#now
  }

  date(): number {
    return this.#epoch + this.#now
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { time: this.#now + Math.max(0, ms), order: this.#count++, fn }
    insert(this.#timers, timer)
    return () => {
      const at = this.#timers.indexOf(timer)
      if (at >= 0) this.#timers.splice(at, 1)
    }
  }

  /** Resolves after `ms` milliseconds of this clock. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Lets the next timer ring, at its time. False when there is none. */
  step(): boolean {
    const timer = this.#timers.shift()
    if (timer === undefined) return false
    this.#now = Math.max(this.#now, timer.time)
    timer.fn()
    return true
  }

  /** Moves on, timer by timer, until `promise` has settled. Rejects when nothing is left that could settle it. */
  async run<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false }
    const watched = promise.finally(() => {
      state.settled = true
    })
    watched.catch(() => undefined) // the caller gets the error, below
    for (let idle = 0; !state.settled;) {
      await turn() // all that waits for promises goes on first
      if (state.settled) break
      idle = this.step() ? 0 : idle + 1
      if (idle > PATIENCE) throw new Error('nothing is left to wait for, and the promise is open')
    }
    return promise
  }
}

/** Turns of the event loop that may pass without a timer. */
const PATIENCE = 1_000

function insert(timers: Timer[], timer: Timer): void {
  let [low, high] = [0, timers.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = timers[middle]
    if (other !== undefined && other.time <= timer.time) low = middle + 1
    else high = middle
  }
  timers.splice(low, 0, timer)
}
