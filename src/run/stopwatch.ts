import type { Clock } from '../stream/clock.ts'
import type { Timing } from './explain/measured.ts'

/** How long a run took, and how long its reader waited for the next chunk. */
export class Stopwatch {
  #first = 0
  #last = 0
  #since = 0
  #waited = 0
  #waiting = false
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The reader asks for more. */
  wait(): void {
    this.#since = this.#clock.now()
    this.#waiting = true
    if (this.#first === 0) this.#first = this.#since
  }

  /** It got it, or the end. */
  goOn(): void {
    this.#last = this.#clock.now()
    this.#waiting = false
    this.#waited += this.#last - this.#since
  }

  /** Milliseconds that it waited, up to now. */
  get waitedMs(): number {
    return this.#waited + (this.#waiting ? this.#clock.now() - this.#since : 0)
  }

  /** From the first time the reader asked to the last time it was answered. */
  get timing(): Timing {
    return { ms: this.#last - this.#first, waitedMs: this.#waited }
  }
}
