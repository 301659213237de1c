import { combine, hashUnit } from './random.ts'

/** What a user's function is told beside its element. */
export interface Local {
  /** Position of the element in the stage's input, from 0, within its epoch. */
  readonly index: number
  /**
   * The next random number of this element in `[0, 1)`. The numbers follow from (seed, stage, epoch,
   * element): the same at any parallelism, on any thread and after a resume.
   */
  random(): number
  /** Aborted when the run stops. */
  readonly signal: AbortSignal
}

/** The `Local` of one element; synchronous stages move one object along instead of making new ones. */
export class ElementLocal implements Local {
  index = 0
  readonly signal: AbortSignal
  readonly #key: number
  readonly #drew: (() => void) | undefined
  #elementKey = 0
  #draws = 0

  /** `key` stands for (seed, stage, epoch); `drew` is told when numbers are drawn. */
  constructor(key: number, signal: AbortSignal, drew?: () => void) {
    this.#key = key
    this.signal = signal
    this.#drew = drew
  }

  at(index: number): this {
    this.index = index
    this.#draws = 0
    return this
  }

  random(): number {
    if (this.#draws === 0) {
      this.#elementKey = combine(this.#key, this.index)
      this.#drew?.()
    }
    return hashUnit(this.#elementKey, this.#draws++)
  }
}
