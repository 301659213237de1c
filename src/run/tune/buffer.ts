/** What was seen of a buffer: chunks taken, and how often it was empty or full. */
export interface Seen {
  readonly taken: number
  readonly empty: number
  readonly full: number
}

/** Chunks after which it is judged. */
const ENOUGH = 16
/** A buffer that is empty more seldom costs its reader nothing. */
const SELDOM = 0.02
/** What is left of the times that it is empty, if a larger one is worth it. */
const BETTER = 0.9
/** Judgements until a size that was not worth it is tried again; doubles each time. */
const PATIENCE = 16

/**
 * The size of one buffer. It has to be as large as the pace of its two sides varies: one that is empty at times and full
 * at others is too small, one that is never full waits for what fills it, and no size changes that (tf.data's
 * watermarks). A size that did not make it empty more seldom is taken back.
 */
export class BufferSize {
  #seen: Seen = { taken: 0, empty: 0, full: 0 }
  /** Before the size that is tried. */
  #before: { readonly size: number; readonly empty: number } | undefined
  #patience = PATIENCE
  #rest = 0

  /** The size to have, of one that has `size` and was seen so. */
  next(size: number, seen: Seen, most: number): number {
    const { taken, empty, full } = (this.#seen = sum(this.#seen, seen))
    if (taken < ENOUGH) return size
    this.#seen = { taken: 0, empty: 0, full: 0 }
    const share = empty / taken
    const before = this.#before
    this.#before = undefined
    if (before !== undefined && share > BETTER * before.empty) {
      this.#rest = this.#patience
      this.#patience *= 2
      return before.size
    }
    if (this.#rest > 0) this.#rest--
    else if (share > SELDOM && full > 0 && size < most) {
      this.#before = { size, empty: share }
      return Math.min(most, 2 * size)
    }
    return size
  }
}

function sum(a: Seen, b: Seen): Seen {
  return { taken: a.taken + b.taken, empty: a.empty + b.empty, full: a.full + b.full }
}
