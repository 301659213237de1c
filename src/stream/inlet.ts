import { CheckpointMismatchError, InvalidArgumentError } from '../errors/index.ts'
import type { Chunk, Json, Operator, Token } from './operator.ts'

const NONE: Chunk<never> = []

/**
 * A reader of chunks, element by element: take `xs[i++]` while `i < n`, else `fill()`.
 *
 * Its token is `[state before the chunk, offset in the chunk, ordinal]`: that one triple turns state at chunk
 * boundaries into state at any element. Resume opens the upstream at the chunk's start and drops `offset`
 * elements, however the chunks then fall.
 */
export class Inlet<T = unknown> {
  xs: Chunk<T> = NONE
  /** Place of the next element in `xs`. */
  i = 0
  n = 0
  readonly #up: Operator<T>
  /** Elements read before `xs[0]`. */
  #base: number
  #before: Token | undefined
  /** Elements that a resume still has to drop. */
  #drop: number
  #filling: Promise<boolean> | undefined
  #ended = false

  /** `from` is this inlet's token; `up` must have been opened with `upstreamOf(from)`. */
  constructor(up: Operator<T>, from?: Json) {
    const [, offset, ordinal] = from === undefined ? [null, 0, 0] : tripleOf(from)
    this.#up = up
    this.#drop = offset
    this.#base = ordinal - offset
  }

  /** The part of an inlet's token that its upstream is opened with. */
  static upstreamOf(from: Json | undefined): Json | undefined {
    return from === undefined ? undefined : tripleOf(from)[0]
  }

  /** Number of elements taken so far: the ordinal of the next one. */
  get ordinal(): number {
    return this.#base + this.i + this.#drop
  }

  /** Makes sure that there is a next element; plain `true` when it is there. False at the end. */
  fill(): boolean | Promise<boolean> {
    if (this.i < this.n) return true
    if (this.#ended) return false
    this.#filling ??= this.#pull()
    return this.#filling
  }

  tok(): Token {
    const filling = this.#filling !== undefined
    if (this.#before !== undefined && (this.i < this.n || filling)) {
      return [this.#before, this.i + this.#drop, this.ordinal]
    }
    return [this.#up.tok(), this.#drop, this.ordinal]
  }

  /** The token at place `i` of the chunk that is being read. */
  at(i: number): Token {
    return this.#before === undefined ? this.tok() : [this.#before, i, this.#base + i]
  }

  async #pull(): Promise<boolean> {
    try {
      for (;;) {
        this.#base += this.n
        this.#before = this.#up.tok()
        this.xs = NONE
        this.i = this.n = 0
        const xs = await this.#up.pull()
        if (xs === null) {
          this.#ended = true
          this.#checkDropped()
          return false
        }
        if (this.#take(xs)) return true
      }
    } finally {
      this.#filling = undefined
    }
  }

  /** Accepts a chunk, less what a resume has to drop of it. */
  #take(xs: Chunk<T>): boolean {
    const drop = Math.min(this.#drop, xs.length)
    this.#drop -= drop
    this.xs = xs
    this.n = xs.length
    this.i = drop
    return drop < xs.length
  }

  #checkDropped(): void {
    if (this.#drop === 0) return
    throw new CheckpointMismatchError(
      `the input ended ${this.#drop} elements before the checkpoint's position: it is not the input it was`,
    )
  }
}

function tripleOf(from: Json): readonly [Json, number, number] {
  if (Array.isArray(from) && from.length === 3) {
    const [up, offset, ordinal] = from as readonly Json[]
    if (up !== undefined && typeof offset === 'number' && typeof ordinal === 'number') {
      return [up, offset, ordinal]
    }
  }
  throw new InvalidArgumentError(
    `not a checkpoint: expected [state, offset, ordinal], got ${JSON.stringify(from)}`,
  )
}
