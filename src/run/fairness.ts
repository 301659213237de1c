import { turn } from '../stream/turn.ts'

/** Milliseconds after which timers and signals get a turn, however fast chunks come. */
const TURN_MS = 10

/**
 * Promises alone never let the event loop turn: a pipeline over memory would starve timers, signals and
 * progress for as long as it runs. Every pull of a run asks here, also those that bring the reader nothing.
 */
export class Fairness {
  #last = performance.now()

  due(): boolean {
    return performance.now() - this.#last > TURN_MS
  }

  async turn(): Promise<void> {
    await turn()
    this.#last = performance.now()
  }
}
