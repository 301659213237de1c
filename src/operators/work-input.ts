import { Inlet } from '../stream/inlet.ts'
import type { Json, OpenContext, Token } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'

/** Where a chunk of the input began. */
interface Mark {
  readonly state: Token
  readonly offset: number
  readonly ordinal: number
  /** Where its elements came from. */
  readonly origin: Origin | undefined
  /** Where it ended, if anybody asks for that. */
  readonly behind: Token | undefined
}

/**
 * The input of a work edge: read in the background, and named by tokens for as long as elements of it are under
 * way. One mark a chunk is all that is kept.
 */
export class WorkInput {
  readonly #inlet: Inlet
  /** True when somebody wants to know what elements were made of. */
  readonly #tells: boolean
  readonly #marks: Mark[] = []
  #filling: Promise<void> | undefined
  #error: { readonly error: unknown; readonly before: Token } | undefined
  #ended = false
  /** Elements at hand. */
  left = 0
  /** Ordinal of the next element. */
  next: number

  constructor(context: OpenContext, from: Json | undefined) {
    this.#tells = context.changes !== undefined
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(from)), from)
    this.next = this.#inlet.ordinal
  }

  /** True while a chunk is on its way. */
  get filling(): boolean {
    return this.#filling !== undefined
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Asks for a chunk, unless one is on its way or there is none; `arrived` is called when it came, or failed. */
  read(arrived: () => void): void {
    if (this.#filling !== undefined || this.#ended || this.#error !== undefined) return
    this.#filling = this.#fill(arrived)
  }

  take(): unknown {
    this.left--
    this.next++
    return this.#inlet.xs[this.#inlet.i++]
  }

  /** The error that ended the input here, handed out once: it goes on behind it. */
  takeError(): { readonly error: unknown } | undefined {
    const error = this.#error
    this.#error = undefined
    return error
  }

  /** The state at element `low`, the first that was not handed out. */
  tok(low: number): Token {
    if (low === this.next) return this.#error?.before ?? this.#inlet.tok()
    const marks = this.#marks
    while (marks.length > 1 && (marks[1]?.ordinal ?? low) <= low) marks.shift()
    const [mark] = marks
    return stateAt(mark, low)
  }

  /** The state at an element under way. */
  at(ordinal: number): Token {
    return stateAt(this.#markOf(ordinal), ordinal)
  }

  /** The state behind the chunk that holds an element under way. */
  behind(ordinal: number): Token | undefined {
    return this.#markOf(ordinal)?.behind
  }

  /** Where the elements from `low` on came from, the first that was not handed out. */
  originFrom(low: number): Origin {
    const marks = [...this.#marks]
    return (k) => {
      const mark = marks.findLast(({ ordinal }) => ordinal <= low + k)
      return mark?.origin?.(mark.offset + low + k - mark.ordinal)
    }
  }

  /** Nothing more is asked for. */
  stop(): void {
    this.#ended = true
    this.left = 0
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    await this.#filling
  }

  #markOf(ordinal: number): Mark | undefined {
    return this.#marks.findLast((mark) => mark.ordinal <= ordinal)
  }

  async #fill(arrived: () => void): Promise<void> {
    const before = this.#inlet.tok()
    try {
      if (await this.#inlet.fill()) this.#note()
      else this.#ended = true
    } catch (error) {
      this.#error = { error, before }
    }
    this.#filling = undefined
    arrived()
  }

  #note(): void {
    if (this.#ended) return // it was stopped meanwhile
    const { i, n } = this.#inlet
    const [state, offset, ordinal] = this.#inlet.at(i) as readonly [Token, number, number]
    const behind = this.#tells ? this.#inlet.behind() : undefined
    this.#marks.push({ state, offset, ordinal, origin: this.#inlet.origin(), behind })
    this.left = n - i
  }
}

function stateAt(mark: Mark | undefined, ordinal: number): Token {
  if (mark === undefined) throw new RangeError(`no mark for element ${ordinal}`)
  return [mark.state, mark.offset + ordinal - mark.ordinal, ordinal]
}
