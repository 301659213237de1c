import { InvalidArgumentError } from '../errors/index.ts'
import { planOf } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { ElementLocal } from '../stream/local.ts'
import type { Json, OpenContext, Operator } from '../stream/operator.ts'
import { type UserFn, wantsLocal } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'

/** What a function made of one element: the items of an array, or a dataset that was opened. */
export type Expansion = { readonly items: readonly unknown[] } | OpenedDataset

export interface OpenedDataset {
  readonly nested: Operator
  /** Whether something is decided in it. */
  readonly decides: boolean
}

/**
 * Opens what a function made of element `ordinal`; `from` is the state of the dataset within, to go on there.
 *
 * @throws InvalidArgumentError when it is neither an array nor a dataset.
 */
export function expansionOf(
  what: string,
  made: unknown,
  context: OpenContext,
  ordinal: number,
  from?: Json,
  source?: () => string | undefined,
): Expansion {
  if (Array.isArray(made)) return { items: made as readonly unknown[] }
  const plan = planOf(made)
  if (plan !== undefined) {
    return { nested: context.openPlan(plan, ordinal, from, source), decides: context.decides(plan) }
  }
  throw new InvalidArgumentError(`${what} must return an array or a dataset, not ${describe(made)}`)
}

/** Calls a function that makes several elements of one, as an array or as a dataset. */
export class Expander {
  readonly #what: string
  readonly #call: (...args: unknown[]) => unknown
  readonly #local: ElementLocal | undefined
  readonly #context: OpenContext

  constructor(op: string, fn: UserFn, context: OpenContext) {
    this.#what = `the function of ${op}`
    this.#call = fn as (...args: unknown[]) => unknown
    this.#local = wantsLocal(fn, 1)
      ? new ElementLocal(context.localKey(), context.signal, () => context.drew())
      : undefined
    this.#context = context
  }

  /** What the function returns; throws what it throws. */
  call(x: unknown, ordinal: number): unknown {
    return this.#local === undefined ? this.#call(x) : this.#call(x, this.#local.at(ordinal))
  }

  /** Opens what `call` returned. @throws InvalidArgumentError when it is neither an array nor a dataset. */
  open(made: unknown, ordinal: number, from?: Json, source?: () => string | undefined): Expansion {
    return expansionOf(this.#what, made, this.#context, ordinal, from, source)
  }

  /** @throws ElementFailure when the function throws, or returns something else. */
  expand(x: unknown, ordinal: number, from?: Json): Expansion {
    try {
      return this.open(this.call(x, ordinal), ordinal, from)
    } catch (error) {
      throw new ElementFailure(ordinal, error)
    }
  }
}
