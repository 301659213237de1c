import { DataError } from '../errors/index.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, sameBytes } from '../stream/spec.ts'

export interface AssertCardinalityParams {
  /** `Infinity` for an input that never ends. */
  readonly count: number
}

export const assertCardinalitySpec: JunctionSpec<AssertCardinalityParams> = {
  op: 'assertCardinality',
  kind: 'junction',
  summary: 'Says how many elements there are; an error where there turn out to be fewer or more.',
  tfData: 'assert_cardinality',
  structure: ({ count }) => ({ count: String(count) }),
  cardinality: ({ count }) => count,
  bytes: sameBytes,
  traits: () => ({ runs: 'counts' }),
  open: ({ params }, context, from) => new AssertCardinality(params.count, context, from),
}

/** Token: its inlet's, which knows how many elements went by. */
class AssertCardinality implements Body {
  readonly #count: number
  readonly #inlet: Inlet
  readonly #pace: Pace
  #over = false

  constructor(count: number, context: OpenContext, from: Json | undefined) {
    this.#count = count
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(from)), from)
    this.#pace = context.pace()
  }

  async pull(): Promise<Chunk | null> {
    const inlet = this.#inlet
    if (this.#over) return null
    const more = await inlet.fill()
    const { ordinal } = inlet
    this.#over = !more || ordinal === this.#count
    if (more && ordinal === this.#count) throw this.#wrong('has more elements')
    if (!more && ordinal < this.#count) throw this.#wrong(`ended after ${ordinal} elements`)
    if (!more) return null
    const end = Math.min(inlet.n, inlet.i + Math.min(this.#pace.max, this.#count - ordinal))
    const out = inlet.xs.slice(inlet.i, end)
    inlet.i = end
    this.#pace.note(out.length, out[0])
    return out
  }

  tok(): Token {
    return this.#inlet.tok()
  }

  #wrong(what: string): ElementFailure {
    const cause = new DataError(`the input ${what}, but ${this.#count} were asserted`)
    return new ElementFailure(this.#inlet.ordinal, cause)
  }
}
