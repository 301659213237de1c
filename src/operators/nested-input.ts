import { Inlet } from '../stream/inlet.ts'
import type { Chunk, Json, Operator, Token } from '../stream/operator.ts'
import { arrived } from '../stream/turn.ts'
import type { Expansion, OpenedDataset } from './expansion.ts'

/** Neighbouring elements that are there: take `xs[i++]` while `i < n`. */
export interface Rows {
  readonly xs: Chunk
  i: number
  readonly n: number
}

/** An array or dataset that a function made of element `ordinal`, one of several that are read by turns. */
export interface NestedInput {
  readonly ordinal: number
  readonly rows: Rows
  /** True when there are elements to take. */
  claim(): boolean
  /** The state before its first element, where something is decided in it. */
  readonly start?: Token
  /** Reads in the background; undefined when that would bring nothing. */
  begin(): Promise<boolean> | undefined
  /** False at the end. An error is thrown once; the next fill goes on behind it. */
  fill(): Promise<boolean> | boolean
  /** True when `fill` has something to tell without waiting. */
  readonly settled: boolean
  /** The state behind the last element taken. */
  tok(): Token
  close(): Promise<void>
}

/** `from` is what `tok` told; `settled` is called when a reading in the background is over. */
export function nestedInput(
  ordinal: number,
  made: Expansion,
  from: Json | undefined,
  settled: () => void,
): NestedInput {
  return 'nested' in made
    ? new DatasetInput(ordinal, made, from, settled)
    : new ArrayInput(ordinal, made.items, from)
}

/**
 * Reads more: false at the end of the input. Undefined when that is for the next pull, because it lets wait and
 * `hasSome` says that there is something to hand out.
 */
export async function readMore(input: NestedInput, hasSome: boolean): Promise<boolean | undefined> {
  const reading = input.begin()
  if (hasSome && reading !== undefined && !(await arrived(reading))) return undefined
  return input.fill()
}

/** What the dataset within is opened with. */
export const upstreamOf = (from: Json | undefined): Json | undefined =>
  Array.isArray(from) ? Inlet.upstreamOf(from) : undefined

/** State: the position. */
class ArrayInput implements NestedInput {
  readonly ordinal: number
  readonly rows: Rows
  readonly settled = true

  constructor(ordinal: number, xs: Chunk, from: Json | undefined) {
    this.ordinal = ordinal
    this.rows = { xs, i: typeof from === 'number' ? from : 0, n: xs.length }
  }

  claim(): boolean {
    return this.rows.i < this.rows.n
  }

  begin(): undefined {
    return undefined
  }

  fill(): boolean {
    return this.claim()
  }

  tok(): Token {
    return this.rows.i
  }

  async close(): Promise<void> {
    // nothing is open
  }
}

/** State: that of the inlet. */
class DatasetInput implements NestedInput {
  readonly ordinal: number
  readonly rows: Inlet
  readonly start?: Token
  readonly #reader: Operator
  readonly #onSettled: () => void
  /** A fill whose outcome nobody took yet, and the state before it. */
  #filling: { readonly done: Promise<boolean>; readonly before: Token } | undefined
  settled = false

  constructor(
    ordinal: number,
    { nested, decides }: OpenedDataset,
    from: Json | undefined,
    onSettled: () => void,
  ) {
    this.ordinal = ordinal
    this.#reader = nested
    this.rows = new Inlet(nested, from)
    if (decides) this.start = this.rows.tok()
    this.#onSettled = onSettled
  }

  claim(): boolean {
    if (this.rows.i >= this.rows.n) return false
    this.#taken()
    return true
  }

  begin(): Promise<boolean> {
    if (this.#filling === undefined) {
      const before = this.rows.tok()
      const done = Promise.resolve(this.rows.fill())
      this.settled = false
      this.#filling = { done, before }
      const settle = (): void => {
        this.settled ||= this.#filling?.done === done
        this.#onSettled()
      }
      done.then(settle, settle) // an error is thrown by `fill`
    }
    return this.#filling.done
  }

  async fill(): Promise<boolean> {
    try {
      return await this.begin()
    } finally {
      this.#taken()
    }
  }

  tok(): Token {
    return this.#filling?.before ?? this.rows.tok()
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #taken(): void {
    this.#filling = undefined
    this.settled = false
  }
}
