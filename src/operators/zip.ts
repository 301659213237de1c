import type { PlanNode } from '../plan/node.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, Meter, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type Origin, together } from '../stream/origin.ts'
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
  bytes: (_, inputs) =>
    inputs.every((bytes) => bytes !== undefined)
      ? inputs.reduce((sum, bytes) => sum + 8 + bytes, 32)
      : undefined,
  traits: () => ({ runs: 'reads its inputs side by side' }),
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
  readonly #join: Join
  readonly #pace: Pace
  readonly #meter: Meter
  #ended = false
  #origin: Origin | undefined

  constructor(
    { params, inputs }: PlanNode<ZipParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    const states = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlets = inputs.map(
      (_, k) => new Inlet(context.open(k, Inlet.upstreamOf(states[k])), states[k]),
    )
    this.#join = joinOf(params.structure, this.#inlets)
    this.#pace = context.pace()
    this.#meter = context.meter
  }

  async pull(): Promise<Chunk | null> {
    if (this.#ended || !(await this.#fill())) {
      this.#ended = true
      return null
    }
    const start = this.#meter.now()
    const ready = Math.min(this.#pace.max, ...this.#inlets.map((inlet) => inlet.n - inlet.i))
    const out: unknown[] = []
    for (let k = 0; k < ready; k++) out.push(this.#join(k))
    this.#origin = originOf(this.#inlets)
    for (const inlet of this.#inlets) inlet.i += ready
    this.#meter.busy(start, ready)
    this.#pace.note(ready, out[0])
    return out
  }

  origin(): Origin | undefined {
    return this.#origin
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
}

/** Of the elements that are next, side by side. */
function originOf(inlets: readonly Inlet[]): Origin {
  const inputs = inlets.map((inlet) => ({ origin: inlet.origin(), i: inlet.i }))
  return (k) => together(inputs.map(({ origin, i }) => origin?.(i + k)))
}

/** Element `k` places behind the next one of the inlets, in the zip's structure. */
type Join = (k: number) => unknown

/** The structure as closures, so that it is walked once and not for each element. */
function joinOf(structure: ZipStructure, inlets: readonly Inlet[]): Join {
  if (typeof structure === 'number') {
    const inlet = inlets[structure]
    return (k) => inlet?.xs[inlet.i + k]
  }
  if (Array.isArray(structure)) {
    const parts = structure.map((part: ZipStructure) => joinOf(part, inlets))
    const [a, b] = parts
    if (parts.length === 2 && a !== undefined && b !== undefined) return (k) => [a(k), b(k)]
    return (k) => parts.map((part) => part(k))
  }
  const members = Object.entries(structure).map(
    ([name, part]) => [name, joinOf(part, inlets)] as const,
  )
  return (k) => {
    const record: Record<string, unknown> = {}
    for (const [name, part] of members) record[name] = part(k)
    return record
  }
}
