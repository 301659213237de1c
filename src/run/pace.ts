import type { Pace } from '../stream/operator.ts'
import { sizeOf } from '../stream/size-of.ts'

const MAX_ELEMENTS = 1024
const MAX_BYTES = 1024 * 1024
/** Milliseconds of work in a chunk: longer ones keep the reader, timers and signals waiting. */
const MAX_MS = 5

/**
 * Chunks of up to 1,024 elements, 1 MB and 5 ms of work, whichever is reached first. They start small and
 * grow at most fourfold, so a slow first element does not come late because of its neighbours.
 */
export class AdaptivePace implements Pace {
  max = 4
  started = 0
  ended = 0
  #bytes = 0
  #notes = 0

  start(): void {
    this.started = performance.now()
  }

  note(n: number, sample: unknown): void {
    if (this.started !== 0) this.ended = performance.now()
    if (n === 0) return
    const ms = this.ended - this.started
    if (this.#notes++ % 64 === 0) this.#bytes = sizeOf(sample)
    const byTime = (n * MAX_MS) / Math.max(ms, 0.01)
    const byBytes = MAX_BYTES / Math.max(this.#bytes, 1)
    this.max = Math.max(1, Math.floor(Math.min(MAX_ELEMENTS, byTime, byBytes, this.max * 4)))
  }
}

/** Chunks of one size, to show that it never matters. */
export class FixedPace implements Pace {
  readonly max: number
  started = 0
  ended = 0

  constructor(max: number) {
    this.max = max
  }

  start(): void {
    this.started = performance.now()
  }

  note(): void {
    if (this.started !== 0) this.ended = performance.now()
  }
}
