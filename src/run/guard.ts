import type { PlanNode } from '../plan/node.ts'
import { ClosedError } from '../errors/index.ts'
import { ElementFailure, errorOf } from '../stream/failure.ts'
import type { Fairness } from './fairness.ts'
import type { StageCounter } from './metrics.ts'
import type { Holdup } from './watchdog.ts'
import type { Body, Chunk, Operator, Token } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import { openingOf, type Opening } from '../trace/openings.ts'
import { closeAll } from './close-all.ts'
import type { Tuner } from './tune/tuner.ts'

interface GuardParts {
  readonly node: PlanNode
  readonly body: Body
  /** The operators that `body` opened; it may still grow and shrink. */
  readonly inputs: Set<Guard>
  /** Resources to close at the very end. */
  readonly owned: ReadonlyMap<unknown, { close(): Promise<void> }> | undefined
  readonly fairness: Fairness
  readonly tuner: Tuner
  readonly counter: StageCounter
  /** The element that its plan was made of. */
  readonly madeOf: (() => string) | undefined
}

/**
 * The one caller of operators: it closes them in the right order, counts, and says where an element failed, so
 * that no operator's file has to.
 */
export class Guard implements Operator {
  readonly #node: PlanNode
  readonly #body: Body
  readonly #inputs: Set<Guard>
  readonly #owned: ReadonlyMap<unknown, { close(): Promise<void> }> | undefined
  readonly #fairness: Fairness
  readonly #tuner: Tuner
  readonly #counter: StageCounter
  readonly #madeOf: (() => string) | undefined
  #flight: Promise<unknown> | undefined
  #closing: Promise<void> | undefined
  #stopped = false
  #pulled = false
  #opening: Opening | undefined

  constructor({ node, body, inputs, owned, fairness, tuner, counter, madeOf }: GuardParts) {
    this.#madeOf = madeOf
    this.#node = node
    this.#body = body
    this.#inputs = inputs
    this.#owned = owned
    this.#fairness = fairness
    this.#tuner = tuner
    this.#counter = counter
  }

  pull(): Promise<Chunk | null> {
    if (this.#stopped) return Promise.reject(stopped())
    if (!this.#pulled) this.#begin()
    const pulled = this.#pull()
    this.#flight = pulled
    return pulled
  }

  #begin(): void {
    this.#pulled = true
    this.#opening = openingOf('operator', this.#node)
    this.#opening?.begun()
  }

  async #pull(): Promise<Chunk | null> {
    try {
      const chunk = await this.#body.pull()
      // An end that comes of stopping is no end: a cache would take it for one and keep what it has.
      if (this.#stopped) throw stopped()
      this.#counter.out(chunk)
      this.#tuner.look()
      if (this.#fairness.due()) await this.#fairness.turn()
      return chunk
    } catch (error) {
      throw error instanceof ElementFailure ? errorOf(error, this.#node, this.#madeOf) : error
    } finally {
      this.#flight = undefined
    }
  }

  /** The operators, up from here, that were asked for elements and wait for something else than an input. */
  holdups(): readonly Holdup[] {
    if (this.#flight === undefined) return []
    const above = Array.from(this.#inputs, (input) => input.holdups()).flat()
    const own = this.#body.waits?.()
    if (own === undefined && above.length > 0) return above
    const { id, at } = this.#node
    const what =
      own ?? (this.#inputs.size > 0 ? 'itself' : 'its source, which was asked for elements')
    return [...above, { stage: id, ...(at !== undefined && { at }), what }]
  }

  tok(): Token {
    return this.#body.tok()
  }

  origin(): Origin | undefined {
    return this.#body.origin?.()
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#body.stop?.()
    for (const input of this.#inputs) input.stop()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Closing an input while a pull still reads it would open it again: stop, settle, close. */
  async #close(): Promise<void> {
    this.#opening?.closing()
    this.stop()
    await this.#flight?.catch(() => undefined) // its reader has the error, or left before it came
    try {
      await closeAll([
        () => this.#body.close?.(),
        () => closeAll(closersOf(this.#inputs)),
        () => closeAll(closersOf(this.#owned?.values() ?? [])),
      ])
    } finally {
      this.#opening?.closed()
    }
  }
}

function closersOf(all: Iterable<{ close(): Promise<void> }>): readonly (() => Promise<void>)[] {
  return Array.from(all, (one) => () => one.close())
}

function stopped(): ClosedError {
  return new ClosedError('the run was stopped')
}
