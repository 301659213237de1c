import type { PlanNode } from '../plan/node.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, sameBytes, sameCardinality } from '../stream/spec.ts'

export const cacheSpec: JunctionSpec<object> = {
  op: 'cache',
  kind: 'junction',
  summary: 'Keeps all elements in memory the first time they are read to the end.',
  tfData: 'cache, in memory; it is filled once for all iterations of the dataset',
  structure: () => ({}),
  cardinality: sameCardinality,
  bytes: sameBytes,
  traits: () => ({
    runs: 'fills memory in the first epoch, then reads it',
    holds: Infinity,
    resume: 'in another process the elements before the position are made again',
  }),
  open: (node, context, from) => new Cache(node, context, from),
}

/** Lives as long as the plan's node: iterations and epochs share it. */
class Store {
  items: readonly unknown[] | undefined
}

/**
 * Token: `['read', position]` or `['fill', inlet]`. Cached elements are not part of it: a resume in another
 * process makes them again, in the first epoch's order, which is the one the cache froze.
 */
class Cache implements Body {
  readonly #store: Store
  readonly #pace: Pace
  readonly #context: OpenContext
  #position = 0
  #inlet: Inlet | undefined
  /** What was read so far; undefined when a resume started behind the beginning. */
  #items: unknown[] | undefined

  constructor(_: PlanNode, context: OpenContext, from: Json | undefined) {
    this.#store = context.shared(() => new Store())
    this.#context = context
    this.#pace = context.pace()
    const [phase, state] = Array.isArray(from) ? (from as readonly Json[]) : ['start']
    if (phase === 'fill' && state !== undefined) this.#startFilling(state)
    else if (phase === 'read' && typeof state === 'number') this.#position = state
  }

  async pull(): Promise<Chunk | null> {
    if (this.#inlet === undefined) {
      if (this.#store.items !== undefined) return this.#read(this.#store.items)
      this.#startFilling(undefined)
      await this.#catchUp()
    }
    return this.#fill()
  }

  tok(): Token {
    return this.#inlet === undefined ? ['read', this.#position] : ['fill', this.#inlet.tok()]
  }

  #read(items: readonly unknown[]): Chunk | null {
    const out = items.slice(this.#position, this.#position + this.#pace.max)
    this.#position += out.length
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  #startFilling(state: Json | undefined): void {
    const input: Operator = this.#context.openEpoch(0, 'first', Inlet.upstreamOf(state))
    this.#inlet = new Inlet(input, state)
    this.#items = state === undefined || this.#inlet.ordinal === 0 ? [] : undefined
  }

  /** After a resume in 'read': the memory is gone, so what lies before the position is made again. */
  async #catchUp(): Promise<void> {
    const inlet = this.#inlet
    while (inlet !== undefined && inlet.ordinal < this.#position && (await this.#more(inlet))) {
      const end = Math.min(inlet.n, inlet.i + this.#position - inlet.ordinal)
      for (; inlet.i < end; inlet.i++) this.#items?.push(inlet.xs[inlet.i])
    }
  }

  /** A cache with a hole would hide in later epochs what failed in the first one: it is not kept. */
  async #more(inlet: Inlet): Promise<boolean> {
    try {
      return await inlet.fill()
    } catch (error) {
      this.#items = undefined
      throw error
    }
  }

  async #fill(): Promise<Chunk | null> {
    const inlet = this.#inlet
    if (inlet === undefined) return null
    if (!(await this.#more(inlet))) {
      if (this.#items !== undefined) this.#store.items ??= this.#items
      return null
    }
    const out = inlet.xs.slice(inlet.i, inlet.i + this.#pace.max)
    inlet.i += out.length
    this.#pace.note(out.length, out[0])
    if (this.#items !== undefined) for (const x of out) this.#items.push(x)
    return out
  }
}
