import { CheckpointMismatchError, InvalidArgumentError, StageError } from '../errors/index.ts'
import type { Chunk, Json, Operator, Token } from './operator.ts'
import type { Origin } from './origin.ts'

const NONE: Chunk<never> = []

/**
 * A reader of chunks, element by element: take `xs[i++]` while `i < n`, else `fill()`.
 *
 * Its token is `[state before the chunk, offset in the chunk, ordinal]`: that one triple turns state at chunk
 * boundaries into state at any element. Resume opens the upstream at the chunk's start and drops `offset`
 * elements, however the chunks then fall.
 *
 * An operator that reads elements again after a resume (`again`) meets the errors between them again. They were
 * told, and telling them twice would be one too many for whatever counts them: a fourth member says how many to
 * pass over.
 */
export class Inlet<T = unknown> {
  xs: Chunk<T> = NONE
  /** Place of the next element in `xs`. */
  i = 0
  n = 0
  /** Errors of elements that the input had so far. */
  errors = 0
  readonly #up: Operator<T>
  /** Elements read before `xs[0]`. */
  #base: number
  #before: Token | undefined
  /** Elements that a resume still has to drop. */
  #drop: number
  #filling: Promise<boolean> | undefined
  #ended = false
  /** Errors to come that were told before the checkpoint. */
  #repeats: number

  /** `from` is this inlet's token; `up` must have been opened with `upstreamOf(from)`. */
  constructor(up: Operator<T>, from?: Json) {
    const [, offset, ordinal, repeats] = from === undefined ? [null, 0, 0, 0] : partsOf(from)
    this.#up = up
    this.#repeats = repeats
    this.#drop = offset
    this.#base = ordinal - offset
  }

  /** The part of an inlet's token that its upstream is opened with. */
  static upstreamOf(from: Json | undefined): Json | undefined {
    return from === undefined ? undefined : partsOf(from)[0]
  }

  /** `token`, of elements behind which `told` errors were told: a resume from there passes over them. */
  static again(token: Token, told: number): Token {
    const [up, offset, ordinal] = token as readonly [Token, number, number]
    return told === 0 ? token : [up, offset, ordinal, told]
  }

  /** Errors that were told, before the checkpoint or since: those so far, and those that a resume has yet to meet. */
  get told(): number {
    return this.errors + this.#repeats
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
      return Inlet.again([this.#before, this.i + this.#drop, this.ordinal], this.#repeats)
    }
    return Inlet.again([this.#up.tok(), this.#drop, this.ordinal], this.#repeats)
  }

  /** Where the elements of `xs` came from. Asked for while nothing is being read. */
  origin(): Origin | undefined {
    return this.#up.origin?.()
  }

  /** The state of the input behind the chunk that is being read. */
  behind(): Token {
    return this.#up.tok()
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
        const xs = await this.#next()
        if (xs === undefined) continue
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

  /** Undefined in place of an error that was told already. */
  async #next(): Promise<Chunk<T> | null | undefined> {
    try {
      return await this.#up.pull()
    } catch (error) {
      if (!(error instanceof StageError)) throw error
      this.errors++
      if (this.#repeats === 0) throw error
      this.#repeats--
      return undefined
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

function partsOf(from: Json): readonly [Json, number, number, number] {
  if (Array.isArray(from)) {
    const [up, offset, ordinal, repeats = 0] = from as readonly Json[]
    const whole = [offset, ordinal, repeats]
    if (up !== undefined && whole.every((part) => typeof part === 'number')) {
      return [up, Number(offset), Number(ordinal), Number(repeats)]
    }
  }
  throw new InvalidArgumentError(
    `not a checkpoint: expected [state, offset, ordinal], got ${JSON.stringify(from)}`,
  )
}

/** The input of a resume is shorter than it was. */
export function shorterInput(op: string, got: number, wanted: number): CheckpointMismatchError {
  return new CheckpointMismatchError(
    `${op}: the input ended at element ${got}, but the checkpoint saw ${wanted}: it is not the input it was`,
  )
}
