import type { Inlet } from './inlet.ts'
import type { Token } from './operator.ts'

/** Where a chunk of the input starts, or where reading it failed. */
interface Mark {
  readonly at: number
  readonly state: Token
  next: Mark | undefined
}

/**
 * Tokens of elements that an operator read and still needs, without one for each: a mark for each chunk. Elements
 * are known by their ordinals, or by another count that grows with them.
 */
export class Marks {
  #oldest: Mark | undefined
  #newest: Mark | undefined

  /** To be called when the inlet has a new chunk, which begins at `at`. */
  add(inlet: Inlet, at = inlet.ordinal): void {
    this.put(at, inlet.tok())
  }

  /** `state` is the inlet's token at `at`. */
  put(at: number, state: Token): void {
    const mark: Mark = { at, state, next: undefined }
    if (this.#newest === undefined) this.#oldest = mark
    else this.#newest.next = mark
    this.#newest = mark
  }

  /** The inlet's token at an element that was read: not one before `forget`. */
  at(element: number): Token {
    let mark = this.#oldest
    while (mark?.next !== undefined && mark.next.at <= element) mark = mark.next
    if (mark === undefined || mark.at > element) {
      throw new RangeError(`no mark at or before element ${element}`)
    }
    const [up, offset, ordinal] = mark.state as readonly [Token, number, number]
    const behind = element - mark.at
    return [up, offset + behind, ordinal + behind]
  }

  /** Elements before `element` are not needed any more. */
  forget(element: number): void {
    while (this.#oldest?.next !== undefined && this.#oldest.next.at <= element) {
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
