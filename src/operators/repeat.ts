import type { PlanNode } from '../plan/node.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Token } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import { Starts } from '../stream/starts.ts'
import { type JunctionSpec, sameBytes } from '../stream/spec.ts'

export interface RepeatParams {
  /** Negative repeats without end, as in tf.data. */
  readonly count: number
}

export const repeatSpec: JunctionSpec<RepeatParams> = {
  op: 'repeat',
  kind: 'junction',
  summary: 'Runs through its input several times, or without end; each time is an epoch.',
  tfData: 'repeat',
  structure: ({ count }) => ({ count }),
  cardinality: ({ count }, [n]) => {
    if (n === 0 || count === 0) return 0
    if (count < 0) return n === undefined ? undefined : Infinity
    return n === undefined ? undefined : n * count
  },
  bytes: sameBytes,
  traits: () => ({ runs: 'an epoch after the other' }),
  open: (node, context, from) => new Repeat(node, context, from),
}

/** Token: [epoch, state of the input, whether this epoch had elements, states at the start of epochs after it]. */
class Repeat implements Body {
  readonly #count: number
  readonly #context: OpenContext
  #epoch = 0
  #seen = false
  #input: Operator
  readonly #starts: Starts
  readonly #decides: boolean

  constructor(
    { params, inputs }: PlanNode<RepeatParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    this.#count = params.count < 0 ? Infinity : params.count
    this.#context = context
    const [epoch, input, seen, starts] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#epoch = typeof epoch === 'number' ? epoch : 0
    this.#seen = seen === true
    this.#input = context.openEpoch(0, this.#epoch, input)
    this.#starts = new Starts(starts)
    this.#decides = inputs.some((plan) => context.decides(plan))
  }

  async pull(): Promise<Chunk | null> {
    while (this.#epoch < this.#count) {
      const chunk = await this.#input.pull()
      if (chunk !== null) {
        this.#seen = true
        return chunk
      }
      // Without this an endless repeat of nothing would never answer.
      if (!this.#seen && this.#count === Infinity) break
      await this.#nextEpoch()
    }
    this.#epoch = this.#count
    return null
  }

  async #nextEpoch(): Promise<void> {
    await this.#input.close()
    this.#epoch++
    this.#seen = false
    if (this.#epoch >= this.#count) return
    this.#input = this.#context.openEpoch(0, this.#epoch, this.#starts.of(this.#epoch))
    if (this.#decides) this.#starts.begin(this.#epoch, this.#input.tok())
  }

  origin(): Origin | undefined {
    return this.#input.origin?.()
  }

  tok(): Token {
    if (this.#epoch >= this.#count)
      return [Math.min(this.#epoch, Number.MAX_SAFE_INTEGER), null, false]
    return this.#starts.token([this.#epoch, this.#input.tok(), this.#seen])
  }
}
