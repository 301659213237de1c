import type { PlanNode } from '../plan/node.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import type { Cardinality, JunctionSpec } from '../stream/spec.ts'

/** Where each input's element goes: an input's number, or a tuple or record of structures. */
export type ZipStructure =
  number | readonly ZipStructure[] | { readonly [name: string]: ZipStructure }

export interface ZipParams {
  readonly structure: ZipStructure
}

export const zipSpec: JunctionSpec<ZipParams> = {
  op: 'zip',
  kind: 'junction',
  summary: 'Puts the elements of several datasets side by side; ends with the shortest.',
  tfData: 'zip',
  structure: ({ structure }) => ({ structure }),
  cardinality: (_, inputs) => shortest(inputs),
  open: (node, context, from) => new Zip(node, context, from),
}

function shortest(inputs: readonly Cardinality[]): Cardinality {
  const known = inputs.filter((n) => n !== undefined)
  if (known.includes(0)) return 0
  return known.length < inputs.length ? undefined : Math.min(...known)
}

/** Token: the tokens of the inlets. */
class Zip implements Body {
  readonly #inlets: readonly Inlet[]
  readonly #structure: ZipStructure
  readonly #pace: Pace
  #ended = false

  constructor(
    { params, inputs }: PlanNode<ZipParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    const states = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlets = inputs.map(
      (_, k) => new Inlet(context.open(k, Inlet.upstreamOf(states[k])), states[k]),
    )
    this.#structure = params.structure
    this.#pace = context.pace()
  }

  async pull(): Promise<Chunk | null> {
    if (this.#ended || !(await this.#fill())) {
      this.#ended = true
      return null
    }
    const ready = Math.min(this.#pace.max, ...this.#inlets.map((inlet) => inlet.n - inlet.i))
    const out = Array.from({ length: ready }, (_, k) => this.#join(this.#structure, k))
    for (const inlet of this.#inlets) inlet.i += ready
    return out
  }

  tok(): Token {
    return this.#inlets.map((inlet) => inlet.tok())
  }

  /** Fills all inlets at the same time; false when one has ended. An earlier input's end or error counts. */
  async #fill(): Promise<boolean> {
    const fills = this.#inlets.map((inlet) => inlet.fill())
    for (const fill of fills) if (fill instanceof Promise) fill.catch(() => undefined) // read below, in order
    for (const fill of fills) if (!(await fill)) return false
    return true
  }

  #join(structure: ZipStructure, k: number): unknown {
    if (typeof structure === 'number') {
      const inlet = this.#inlets[structure]
      return inlet?.xs[inlet.i + k]
    }
    if (Array.isArray(structure)) return structure.map((part: ZipStructure) => this.#join(part, k))
    return Object.fromEntries(
      Object.entries(structure).map(([name, part]) => [name, this.#join(part, k)]),
    )
  }
}
