import type { Json, LazyToken, Token } from './operator.ts'

/** One element that was left out. */
interface Skip {
  readonly ordinal: number
  next: Skip | undefined
}

/**
 * Which elements a stage left out, so that a resumed run leaves out the same ones: a flaky call may succeed
 * the second time, and everything behind it would move by one. A token points into a list that only grows
 * forwards; what no token points at any more is collected.
 */
export class SkipLog {
  #last: Skip = { ordinal: -1, next: undefined }
  /** Skips of the checkpoint that this run has not come to again. */
  readonly #pending: Set<number>
  /** Elements below this were decided before the checkpoint. */
  readonly #decided: number
  readonly #through: { value: number }

  /** `from` is what a token's `decisions` wrote. */
  constructor(from: Json | undefined) {
    const [through, ...skipped] = Array.isArray(from) ? (from as readonly number[]) : [0]
    this.#decided = through ?? 0
    this.#pending = new Set(skipped)
    this.#through = { value: this.#decided }
  }

  /** True while elements of the checkpoint are to come again that it left out. */
  get restored(): boolean {
    return this.#pending.size > 0
  }

  /** True when the checkpoint says that the element is left out. */
  isSkipped(ordinal: number): boolean {
    return this.#pending.has(ordinal)
  }

  /** True when the checkpoint says that the element was delivered: then a failure may not skip it. */
  mustSucceed(ordinal: number): boolean {
    return ordinal < this.#decided
  }

  skip(ordinal: number): void {
    const skip: Skip = { ordinal, next: undefined }
    this.#last.next = skip
    this.#last = skip
    this.#pending.delete(ordinal)
    this.decide(ordinal)
  }

  decide(ordinal: number): void {
    if (ordinal >= this.#through.value) this.#through.value = ordinal + 1
  }

  /** `[state, decisions since it]`, the decisions read when the checkpoint is written. */
  token(state: Token): readonly [Token, LazyToken] {
    const start = this.#last
    const through = this.#through
    const pending = this.#pending
    const decisions: LazyToken = {
      toJSON(): Json {
        const skipped: number[] = []
        for (let skip = start.next; skip !== undefined; skip = skip.next) skipped.push(skip.ordinal)
        return [through.value, ...skipped, ...pending]
      },
    }
    return [state, decisions]
  }
}
