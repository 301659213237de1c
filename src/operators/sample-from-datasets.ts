import { InvalidArgumentError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import type { Json, OpenContext, Token } from '../stream/operator.ts'
import { hashUnit, seededKey } from '../stream/random.ts'
import type { Cardinality, JunctionSpec } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'
import { type Chooser, Directed } from './directed.ts'

export interface SampleParams {
  /** How often each dataset is read, in proportion. */
  readonly weights: readonly number[]
  readonly stopOnEmpty: boolean
  /** Mixed with the run's seed; undefined = 0. */
  readonly seed: number | undefined
  /** True gives every epoch and every iteration other draws. */
  readonly rerandomize: boolean
}

export const sampleFromDatasetsSpec: JunctionSpec<SampleParams> = {
  op: 'sampleFromDatasets',
  kind: 'junction',
  summary: 'Elements of several datasets, each of one that is read by weight.',
  tfData: 'sample_from_datasets; without a seed the draws follow from the run seed',
  structure: ({ weights, stopOnEmpty, seed, rerandomize }) => ({
    weights,
    stopOnEmpty,
    seed: seed ?? null,
    rerandomize,
  }),
  cardinality: cardinalityOf,
  traits: () => ({ runs: 'one element of one input after the other' }),
  open: (node, context, from) => {
    const [draws, inlets] = Array.isArray(from) ? (from as readonly Json[]) : []
    const { weights, stopOnEmpty } = node.params
    const chooser = new ByChance(node, context, typeof draws === 'number' ? draws : 0)
    const reads = (k: number): boolean => Number(weights[k]) > 0
    return new Directed(node, context, inlets, { chooser, reads, stopOnEmpty })
  },
}

function cardinalityOf(params: SampleParams, inputs: readonly Cardinality[]): Cardinality {
  const read = inputs.filter((_, k) => Number(params.weights[k]) > 0)
  if (read.every((n) => n === 0)) return 0
  if (read.length > 1 && params.stopOnEmpty) {
    return read.every((n) => n === Infinity) ? Infinity : undefined
  }
  if (read.includes(Infinity)) return Infinity
  return read.some((n) => n === undefined)
    ? undefined
    : read.reduce<number>((sum, n) => sum + (n ?? 0), 0)
}

/** Draws by the hash of their number. Exhausted datasets leave their share to the others. */
class ByChance implements Chooser {
  readonly #weights: readonly number[]
  readonly #key: number
  ordinal: number

  constructor({ params }: PlanNode<SampleParams>, context: OpenContext, draws: number) {
    this.#weights = params.weights
    this.#key = seededKey(context, params.seed, params.rerandomize)
    this.ordinal = draws
  }

  next(open: readonly boolean[]): number | undefined {
    return drawn(hashUnit(this.#key, this.ordinal), this.#weights, open)
  }

  more(): boolean {
    return true
  }

  used(): void {
    this.ordinal++
  }

  tok(): Token {
    return this.ordinal
  }
}

/** The place that `unit`, from 0 up to and without 1, falls on when places are as wide as their weights. */
function drawn(
  unit: number,
  weights: readonly number[],
  open: readonly boolean[],
): number | undefined {
  let total = 0
  for (let k = 0; k < weights.length; k++) if (open[k] === true) total += weights[k] ?? 0
  let left = unit * total
  let last: number | undefined
  for (let k = 0; k < weights.length; k++) {
    const weight = open[k] === true ? (weights[k] ?? 0) : 0
    if (weight === 0) continue
    last = k
    left -= weight
    if (left < 0) break
  }
  return last
}

/** The number of a dataset that is drawn by weights of its own. */
export function drawOf(weights: ArrayLike<number>, datasets: number, unit: number): number {
  const list = Array.from(weights)
  checkWeights(list, datasets)
  const which = drawn(
    unit,
    list,
    list.map(() => true),
  )
  if (which !== undefined) return which
  throw new InvalidArgumentError('sampleFromDatasets: no weight is above 0')
}

/** @throws InvalidArgumentError unless there is a weight of at least 0 for each dataset. */
export function checkWeights(weights: unknown, datasets: number): void {
  if (!Array.isArray(weights) || weights.length !== datasets) {
    throw new InvalidArgumentError(
      `sampleFromDatasets: weights must be ${datasets} numbers, one for each dataset, not ${describe(weights)}`,
    )
  }
  for (const weight of weights as readonly unknown[]) {
    if (typeof weight === 'number' && weight >= 0 && weight < Infinity) continue
    throw new InvalidArgumentError(
      `sampleFromDatasets: a weight must be a number of at least 0, not ${describe(weight)}`,
    )
  }
}
