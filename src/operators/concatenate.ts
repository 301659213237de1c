import type { PlanNode } from '../plan/node.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Token } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import { Starts } from '../stream/starts.ts'
import type { JunctionSpec } from '../stream/spec.ts'

export const concatenateSpec: JunctionSpec<object> = {
  op: 'concatenate',
  kind: 'junction',
  summary: 'The elements of one dataset after those of another.',
  tfData: 'concatenate',
  structure: () => ({}),
  cardinality: (_, inputs) => {
    if (inputs[0] === Infinity) return Infinity
    return inputs.some((n) => n === undefined)
      ? undefined
      : inputs.reduce<number>((a, n) => a + (n ?? 0), 0)
  },
  bytes: (_, [a, b]) => (a === b ? a : undefined),
  traits: () => ({ runs: 'one input after the other' }),
  open: (node, context, from) => new Concatenate(node, context, from),
}

/** Token: [which input, its state, states at the start of inputs after it]. */
class Concatenate implements Body {
  readonly #inputs: readonly PlanNode[]
  readonly #context: OpenContext
  #which: number
  #input: Operator
  readonly #starts: Starts

  constructor({ inputs }: PlanNode, context: OpenContext, from: Json | undefined) {
    const [which, state, starts] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inputs = inputs
    this.#starts = new Starts(starts)
    this.#context = context
    this.#which = typeof which === 'number' ? which : 0
    this.#input = context.open(this.#which, state)
  }

  async pull(): Promise<Chunk | null> {
    for (;;) {
      const chunk = await this.#input.pull()
      if (chunk !== null || this.#which + 1 >= this.#inputs.length) return chunk
      await this.#input.close()
      this.#open(this.#which + 1)
    }
  }

  origin(): Origin | undefined {
    return this.#input.origin?.()
  }

  tok(): Token {
    return this.#starts.token([this.#which, this.#input.tok()])
  }

  #open(which: number): void {
    this.#which = which
    this.#input = this.#context.open(which, this.#starts.of(which))
    const plan = this.#inputs[which]
    if (plan !== undefined && this.#context.decides(plan)) {
      this.#starts.begin(which, this.#input.tok())
    }
  }
}
