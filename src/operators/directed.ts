import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'

/** Says which dataset the next element comes from. */
export interface Chooser {
  /** Which one, or undefined when `more` has to be asked first. */
  next(open: readonly boolean[]): number | undefined
  /** Waits for another choice; false when there is none. */
  more(): boolean | Promise<boolean>
  /** The choice was used. */
  used(): void
  /** Number of the choice, from 0. */
  readonly ordinal: number
  tok(): Token
}

interface DirectedOptions {
  readonly chooser: Chooser
  /** Which inputs are datasets to be read. */
  readonly reads: (input: number) => boolean
  /** Ends with the first dataset that is found to be exhausted, instead of passing over it. */
  readonly stopOnEmpty: boolean
}

/**
 * The elements of several datasets, one after the other as a chooser says.
 *
 * Token: [the chooser's, the inlets' or null for those that are exhausted].
 */
export class Directed implements Body {
  readonly #chooser: Chooser
  readonly #stopOnEmpty: boolean
  readonly #inlets: (Inlet | undefined)[]
  readonly #open: boolean[]
  readonly #pace: Pace
  #ended = false

  /** `from` is the part of a token that is about the inlets. */
  constructor(
    { inputs }: PlanNode,
    context: OpenContext,
    from: Json | undefined,
    { chooser, reads, stopOnEmpty }: DirectedOptions,
  ) {
    const states = Array.isArray(from) ? (from as readonly Json[]) : undefined
    this.#chooser = chooser
    this.#stopOnEmpty = stopOnEmpty
    this.#pace = context.pace()
    this.#open = inputs.map((_, k) => reads(k) && states?.[k] !== null)
    this.#inlets = this.#open.map((open, k) =>
      open ? new Inlet(context.open(k, Inlet.upstreamOf(states?.[k])), states?.[k]) : undefined,
    )
    this.#ended = !this.#open.includes(true)
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    while (!this.#ended && out.length < this.#pace.max) {
      // What is there goes before what may have to wait or fail.
      const more = this.#take(out) || (out.length === 0 && (await this.#wait()))
      if (!more) break
    }
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    return [this.#chooser.tok(), this.#inlets.map((inlet) => inlet?.tok() ?? null)]
  }

  /** Takes elements that are there; false when something has to be waited for first, or fails. */
  #take(out: unknown[]): boolean {
    while (out.length < this.#pace.max) {
      const which = this.#choose(out)
      if (which === undefined) return false
      const inlet = this.#inlets[which]
      if (inlet !== undefined) {
        if (inlet.i === inlet.n) return false
        out.push(inlet.xs[inlet.i++])
      }
      this.#chooser.used()
    }
    return true
  }

  #choose(out: readonly unknown[]): number | undefined {
    try {
      return this.#chooser.next(this.#open)
    } catch (error) {
      if (out.length > 0) return undefined // it fails again when its turn comes
      const { ordinal } = this.#chooser
      this.#chooser.used()
      throw new ElementFailure(ordinal, error)
    }
  }

  /** Waits for a choice, then for the element it asks for; false at the end. */
  async #wait(): Promise<boolean> {
    if (this.#choose([]) === undefined && !(await this.#chooser.more())) {
      this.#ended = true
      return false
    }
    const which = this.#choose([])
    const inlet = which === undefined ? undefined : this.#inlets[which]
    if (which === undefined || inlet === undefined) return true
    if (!(await this.#fill(inlet))) this.#exhaust(which)
    return !this.#ended
  }

  /** An element that fails has used up its choice, as in tf.data. */
  async #fill(inlet: Inlet): Promise<boolean> {
    try {
      return await inlet.fill()
    } catch (error) {
      this.#chooser.used()
      throw error
    }
  }

  #exhaust(which: number): void {
    if (!this.#stopOnEmpty) {
      this.#inlets[which] = undefined
      this.#open[which] = false
      this.#chooser.used()
    }
    this.#ended = this.#stopOnEmpty || !this.#open.includes(true)
  }
}
