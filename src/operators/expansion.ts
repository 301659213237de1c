import { InvalidArgumentError } from '../errors/index.ts'
import { planOf } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { ElementLocal } from '../stream/local.ts'
import type { Chunk, Json, OpenContext, Operator } from '../stream/operator.ts'
import { type UserFn, wantsLocal } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'

/** What a function made of one element: the items of an array, or a dataset that was opened. */
export type Expansion = { readonly items: readonly unknown[] } | { readonly nested: Operator }

/** Calls a function that makes several elements of one, as an array or as a dataset. */
export class Expander {
  readonly #op: string
  readonly #call: (...args: unknown[]) => unknown
  readonly #local: ElementLocal | undefined
  readonly #context: OpenContext

  constructor(op: string, fn: UserFn, context: OpenContext) {
    this.#op = op
    this.#call = fn as (...args: unknown[]) => unknown
    this.#local = wantsLocal(fn, 1) ? new ElementLocal(context.key, context.signal) : undefined
    this.#context = context
  }

  /**
   * `from` is the state of the dataset within, to go on there.
   *
   * @throws ElementFailure when the function throws, or returns something else.
   */
  expand(x: unknown, ordinal: number, from?: Json): Expansion {
    const made = this.#made(x, ordinal)
    if (Array.isArray(made)) return { items: made as readonly unknown[] }
    const plan = planOf(made)
    if (plan !== undefined) return { nested: this.#context.openPlan(plan, ordinal, from) }
    const what = `the function of ${this.#op} must return an array or a dataset, not ${describe(made)}`
    throw new ElementFailure(ordinal, new InvalidArgumentError(what))
  }

  #made(x: unknown, ordinal: number): unknown {
    try {
      return this.#local === undefined ? this.#call(x) : this.#call(x, this.#local.at(ordinal))
    } catch (error) {
      throw new ElementFailure(ordinal, error)
    }
  }
}

/** The items of an array as an operator. Token: the position. */
export class Items implements Operator {
  readonly #items: readonly unknown[]
  #position: number

  constructor(items: readonly unknown[], from?: Json) {
    this.#items = items
    this.#position = typeof from === 'number' ? from : 0
  }

  async pull(): Promise<Chunk | null> {
    if (this.#position >= this.#items.length) return null
    const chunk = this.#position === 0 ? this.#items : this.#items.slice(this.#position)
    this.#position = this.#items.length
    return chunk
  }

  tok(): Json {
    return this.#position
  }

  stop(): void {
    // nothing waits
  }

  async close(): Promise<void> {
    // nothing is open
  }
}
