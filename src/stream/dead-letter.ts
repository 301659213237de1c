/** One element that a stage gave up on by its policy, with all that is needed to look at it and try it again. */
export interface DeadLetter {
  /**
   * Stands for (seed, stage, epoch, element): the same when the element fails again after a resume, so that a
   * store that overwrites by it holds each element once.
   */
  readonly id: string
  /** Node id of the stage, such as `mapAsync#2`. */
  readonly stage: string
  /** Place in the user's source where the stage was added, such as `jobs/embed.ts:12`. */
  readonly at?: string
  /** Position of the element in the stage's input, from 0, within its epoch. */
  readonly index: number
  /** Where the element came from, as in `StageError`. */
  readonly source?: string
  /** What the stage was to work on. */
  readonly element: unknown
  /** What the last attempt threw. */
  readonly error: unknown
  /** Calls that were made for the element. */
  readonly attempts: number
}

/** Where dead letters go. A run takes one; by default they stay in memory. */
export interface DeadLetters {
  /** The element counts as dealt with once this resolved: a store that survives the process writes it first. */
  put(letter: DeadLetter): void | Promise<void>
}

/** Dead letters in memory, in the order in which the elements came. */
export class MemoryDeadLetters implements DeadLetters {
  readonly #letters = new Map<string, DeadLetter>()

  get all(): readonly DeadLetter[] {
    return [...this.#letters.values()]
  }

  put(letter: DeadLetter): void {
    this.#letters.set(letter.id, letter)
  }
}
