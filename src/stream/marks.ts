import type { Inlet } from './inlet.ts'
import type { Token } from './operator.ts'

/** Where a chunk of the input starts. */
interface Mark {
  readonly ordinal: number
  readonly state: Token
  next: Mark | undefined
}

/** Tokens of elements that an operator read and still needs, without one for each: a mark for each chunk. */
export class Marks {
  #oldest: Mark | undefined
  #newest: Mark | undefined

  /** To be called when the inlet has a new chunk. */
  add(inlet: Inlet): void {
    const mark: Mark = { ordinal: inlet.ordinal, state: inlet.tok(), next: undefined }
    if (this.#newest === undefined) this.#oldest = mark
    else this.#newest.next = mark
    this.#newest = mark
  }

  /** The inlet's token at an element that was read: not one before `forget`. */
  at(ordinal: number): Token {
    let mark = this.#oldest
    while (mark?.next !== undefined && mark.next.ordinal <= ordinal) mark = mark.next
    if (mark === undefined || mark.ordinal > ordinal) {
      throw new RangeError(`no mark at or before element ${ordinal}`)
    }
    const [up, offset] = mark.state as readonly [Token, number, number]
    return [up, offset + ordinal - mark.ordinal, ordinal]
  }

  /** Elements before `ordinal` are not needed any more. */
  forget(ordinal: number): void {
    while (this.#oldest?.next !== undefined && this.#oldest.next.ordinal <= ordinal) {
      this.#oldest = this.#oldest.next
    }
  }
}

/** Makes sure that the inlet has an element, and marks each new chunk. */
export async function fillMarked(inlet: Inlet, marks: Marks): Promise<boolean> {
  if (inlet.i < inlet.n) return true
  if (!(await inlet.fill())) return false
  marks.add(inlet)
  return true
}
