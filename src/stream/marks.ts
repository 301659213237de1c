import { Inlet } from './inlet.ts'
import type { Token } from './operator.ts'

/** Where a chunk of the input starts, or where reading it failed. */
interface Mark {
  readonly at: number
  readonly state: Token
  /** Errors of the input before it. */
  readonly errors: number
  next: Mark | undefined
}

/**
 * Tokens of elements that an operator read and still needs, without one for each: a mark for each chunk. Elements
 * are known by their ordinals, or by another count that grows with them.
 */
export class Marks {
  #oldest: Mark | undefined
  #newest: Mark | undefined
  /** How many there are. */
  count = 0

  /** To be called when the inlet has a new chunk, which begins at `at`. */
  add(inlet: Inlet, at = inlet.ordinal): void {
    this.put(at, inlet.tok(), inlet.errors)
  }

  /** `state` is the inlet's token at `at`, behind `errors` of the input. */
  put(at: number, state: Token, errors = 0): void {
    const mark: Mark = { at, state, errors, next: undefined }
    if (this.#newest === undefined) this.#oldest = mark
    else this.#newest.next = mark
    this.#newest = mark
    this.count++
  }

  /**
   * The inlet's token at an element that was read: not one before `forget`. Of the errors of the input `told` were
   * told; without it, the operator takes them for elements, and must meet them again.
   */
  at(element: number, told?: number): Token {
    let mark = this.#oldest
    while (mark?.next !== undefined && mark.next.at <= element) mark = mark.next
    if (mark === undefined || mark.at > element) {
      throw new RangeError(`no mark at or before element ${element}`)
    }
    const [up, offset, ordinal] = mark.state as readonly [Token, number, number]
    const behind = element - mark.at
    const token = [up, offset + behind, ordinal + behind]
    return told === undefined ? token : Inlet.again(token, told - mark.errors)
  }

  /** Elements before `element` are not needed any more. */
  forget(element: number): void {
    while (this.#oldest?.next !== undefined && this.#oldest.next.at <= element) {
      this.#oldest = this.#oldest.next
      this.count--
    }
  }

  /** The marks there are: they stay, whatever is forgotten later. */
  kept(): Marks {
    const kept = new Marks()
    kept.#oldest = this.#oldest
    kept.#newest = this.#newest
    kept.count = this.count
    return kept
  }
}

/** Makes sure that the inlet has an element, and marks each new chunk. */
export async function fillMarked(inlet: Inlet, marks: Marks): Promise<boolean> {
  if (inlet.i < inlet.n) return true
  if (!(await inlet.fill())) return false
  marks.add(inlet)
  return true
}
