import { sizeOf } from './size-of.ts'

/** Bytes that elements of one stage may hold while they wait, where nobody said a budget. */
const ROOM_BYTES = 64 * 1024 * 1024
/** What is to come may be larger than what was seen. */
const SPARE = 1.25
/** How fast the largest element is forgotten, for each that is smaller. */
const FORGET = 0.99

/** What elements that are worked on, or wait between stages, may hold in a run; all stages have equal shares. */
export class Memory {
  readonly budget: number | undefined
  readonly #stages = new Set<string>()

  /** `budget` in bytes; without one each stage may hold 64 MiB. */
  constructor(budget: number | undefined) {
    this.budget = budget
  }

  /** The share of a stage: smaller when there are more. */
  share(stage: string): Share {
    this.#stages.add(stage)
    const { budget } = this
    return new Share(budget !== undefined, () =>
      budget === undefined ? ROOM_BYTES : budget / this.#stages.size,
    )
  }
}

/** How many elements a stage may hold, by what it saw of their sizes. */
export class Share {
  /** True when somebody said a budget: then every element is to be weighed. */
  readonly isHard: boolean
  readonly #bytes: () => number
  #largest = 0

  constructor(isHard: boolean, bytes: () => number) {
    this.isHard = isHard
    this.#bytes = bytes
  }

  weigh(element: unknown): void {
    this.#largest = Math.max(sizeOf(element), FORGET * this.#largest)
  }

  /** Elements that it may hold; at least one, and `Infinity` before one was weighed. */
  get room(): number {
    if (this.#largest === 0) return Infinity
    const spare = this.isHard ? SPARE : 1
    return Math.max(1, Math.floor(this.#bytes() / (spare * this.#largest)))
  }
}
