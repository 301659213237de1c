import type { Timing } from './explain/measured.ts'

/** How long a run took, and how long its reader waited for the next chunk. */
export class Stopwatch {
  #first = 0
  #last = 0
  #since = 0
  #waited = 0

  /** The reader asks for more. */
  wait(): void {
    this.#since = performance.now()
    if (this.#first === 0) this.#first = this.#since
  }

  /** It got it, or the end. */
  goOn(): void {
    this.#last = performance.now()
    this.#waited += this.#last - this.#since
  }

  /** From the first time the reader asked to the last time it was answered. */
  get timing(): Timing {
    return { ms: this.#last - this.#first, waitedMs: this.#waited }
  }
}
