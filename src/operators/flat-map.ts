import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { Expander } from './expansion.ts'

export interface FlatMapParams {
  readonly fn: UserFn
}

export const flatMapSpec: JunctionSpec<FlatMapParams> = {
  op: 'flatMap',
  kind: 'junction',
  summary:
    'Makes several elements, or none, of each: those of the array or dataset a function returns.',
  tfData: 'flat_map; arrays too, which are cheaper',
  structure: () => ({}),
  cardinality: unknownCardinality,
  traits: () => ({
    runs: 'reads the arrays and datasets that its function makes, one after the other',
    resume: 'goes on within the dataset that was open',
  }),
  open: (node, context, from) => new FlatMap(node, context, from),
}

/** Token: [inlet state at the element that is expanded, items done, state of its dataset]. */
class FlatMap implements Body {
  readonly #inlet: Inlet
  readonly #expander: Expander
  readonly #pace: Pace
  /** State of the inlet before the element that is expanded. */
  #before: Token = null
  #items: readonly unknown[] | undefined
  #done = 0
  #nested: Operator | undefined
  #held: ElementFailure | undefined
  /** Where a resume goes on within its first element. */
  #restore: { readonly done: number; readonly nested: Json } | undefined

  constructor(node: PlanNode<FlatMapParams>, context: OpenContext, from: Json | undefined) {
    const [state, done, nested] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#expander = new Expander('flatMap', node.params.fn, context)
    this.#pace = context.pace()
    if (typeof done === 'number' && nested !== undefined && (done > 0 || nested !== null)) {
      this.#restore = { done, nested }
    }
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    for (;;) {
      if (this.#items !== undefined) this.#drain(this.#items, out)
      const full = out.length >= this.#pace.max
      if (out.length > 0 && (full || this.#mustWait())) return this.#noted(out)
      if (this.#nested !== undefined) {
        const chunk = await this.#pullNested(this.#nested)
        if (chunk !== null) return chunk
      } else if (this.#held !== undefined) throw this.#behindHeld(this.#held)
      else if (this.#inlet.i < this.#inlet.n || (await this.#inlet.fill())) this.#next()
      else return null
    }
  }

  tok(): Token {
    if (this.#items !== undefined) return [this.#before, this.#done, null]
    if (this.#nested !== undefined) return [this.#before, 0, this.#nested.tok()]
    const { done, nested } = this.#restore ?? { done: 0, nested: null }
    return [this.#inlet.tok(), done, nested]
  }

  /** True when more elements mean waiting, or an error: what is there goes first. */
  #mustWait(): boolean {
    return this.#nested !== undefined || this.#held !== undefined || this.#inlet.i >= this.#inlet.n
  }

  #noted(out: readonly unknown[]): Chunk {
    this.#pace.note(out.length, out[0])
    return out
  }

  #drain(items: readonly unknown[], out: unknown[]): void {
    const end = Math.min(items.length, this.#done + this.#pace.max - out.length)
    while (this.#done < end) out.push(items[this.#done++])
    if (this.#done < items.length) return
    this.#items = undefined
    this.#done = 0
  }

  /** Begins with the next element of the input; one that fails is held back behind what precedes it. */
  #next(): void {
    const inlet = this.#inlet
    const { ordinal } = inlet
    try {
      const made = this.#expander.expand(
        inlet.xs[inlet.i],
        ordinal,
        this.#restore?.nested ?? undefined,
      )
      this.#before = inlet.tok()
      if ('items' in made) this.#items = made.items
      else this.#nested = made.nested
      this.#done = this.#restore?.done ?? 0
      this.#restore = undefined
      inlet.i++
    } catch (error) {
      this.#held = error instanceof ElementFailure ? error : new ElementFailure(ordinal, error)
    }
  }

  #behindHeld(held: ElementFailure): ElementFailure {
    this.#held = undefined
    this.#inlet.i++
    return held
  }

  async #pullNested(nested: Operator): Promise<Chunk | null> {
    const chunk = await nested.pull()
    if (chunk === null) {
      this.#nested = undefined
      await nested.close()
    }
    return chunk
  }
}
