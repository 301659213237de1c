import { DataError } from '../errors/index.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Json, OpenContext, Token } from '../stream/operator.ts'
import type { Cardinality, JunctionSpec } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'
import { type Chooser, Directed } from './directed.ts'

export interface ChooseParams {
  readonly stopOnEmpty: boolean
}

/** Inputs: the datasets, and last the choices. */
export const chooseFromDatasetsSpec: JunctionSpec<ChooseParams> = {
  op: 'chooseFromDatasets',
  kind: 'junction',
  summary: 'Elements of several datasets, each of the one whose number a dataset of choices gives.',
  tfData: 'choose_from_datasets',
  structure: ({ stopOnEmpty }) => ({ stopOnEmpty }),
  cardinality: ({ stopOnEmpty }, inputs) => cardinalityOf(inputs, stopOnEmpty),
  traits: () => ({ runs: 'one element of one input after the other' }),
  open: (node, context, from) => {
    const [choice, inlets] = Array.isArray(from) ? (from as readonly Json[]) : []
    const last = node.inputs.length - 1
    const chooser = new ByChoice(context, last, choice)
    const { stopOnEmpty } = node.params
    return new Directed(node, context, inlets, { chooser, reads: (k) => k < last, stopOnEmpty })
  },
}

function cardinalityOf(inputs: readonly Cardinality[], stopOnEmpty: boolean): Cardinality {
  const [choices, datasets] = [inputs.at(-1), inputs.slice(0, -1)]
  if (choices === 0 || datasets.every((n) => n === 0)) return 0
  // Whatever is chosen, none of them can end.
  if (datasets.every((n) => n === Infinity)) return choices
  const endless = choices === Infinity && !stopOnEmpty && datasets.includes(Infinity)
  return endless ? Infinity : undefined
}

class ByChoice implements Chooser {
  readonly #inlet: Inlet
  readonly #datasets: number

  constructor(context: OpenContext, datasets: number, from: Json | undefined) {
    this.#inlet = new Inlet(context.open(datasets, Inlet.upstreamOf(from)), from)
    this.#datasets = datasets
  }

  get ordinal(): number {
    return this.#inlet.ordinal
  }

  next(): number | undefined {
    const { xs, i, n } = this.#inlet
    if (i === n) return undefined
    const choice = xs[i]
    if (isIndex(choice, this.#datasets)) return choice
    throw new DataError(
      `a choice must be the number of one of the ${this.#datasets} datasets, from 0, not ${describe(choice)}`,
    )
  }

  more(): boolean | Promise<boolean> {
    return this.#inlet.fill()
  }

  used(): void {
    this.#inlet.i++
  }

  tok(): Token {
    return this.#inlet.tok()
  }
}

const isIndex = (x: unknown, length: number): x is number =>
  typeof x === 'number' && Number.isInteger(x) && x >= 0 && x < length
