import type { Json, LazyToken } from './operator.ts'

/** Decisions between two tokens: `[input, elements, input, elements ...]`. */
interface Page {
  readonly runs: number[]
  next: Page | undefined
}

/**
 * In which order an operator took elements of its inputs where that depends on which was ready first: a resumed
 * run takes those behind its checkpoint's state in the same order again, as far as they were handed out. A token
 * points into a list that only grows forwards; what no token points at any more is collected.
 */
export class OrderLog {
  #last: Page = { runs: [], next: undefined }
  /** Decisions of the checkpoint that this run has not come to again: from `#at` on. */
  readonly #pending: number[]
  #at = 0

  /** `from` is what a token's log wrote. */
  constructor(from: Json | undefined) {
    this.#pending = Array.isArray(from) ? (from as readonly number[]).slice() : []
  }

  /** The input to take from, and how many elements; undefined when that is free. */
  get due(): readonly [input: number, count: number] | undefined {
    const [input, count] = [this.#pending[this.#at], this.#pending[this.#at + 1]]
    return input === undefined || count === undefined ? undefined : [input, count]
  }

  /** To be called at the start of each pull: tokens of before point behind what was taken before. */
  turnPage(): void {
    const page: Page = { runs: [], next: undefined }
    this.#last.next = page
    this.#last = page
  }

  /** `count` elements of `input` were taken. */
  took(input: number, count: number): void {
    const { runs } = this.#last
    if (runs.at(-2) === input) runs[runs.length - 1] = (runs.at(-1) ?? 0) + count
    else runs.push(input, count)
    const due = this.due
    if (due === undefined) return
    if (count < due[1]) this.#pending[this.#at + 1] = due[1] - count
    else this.#at += 2
  }

  /** What was taken since now, read when the checkpoint is written. */
  token(): LazyToken {
    const start = this.#last
    return {
      toJSON: (): Json => {
        const runs: number[] = []
        for (let page = start.next; page !== undefined; page = page.next) runs.push(...page.runs)
        return [...runs, ...this.#pending.slice(this.#at)]
      },
    }
  }
}
