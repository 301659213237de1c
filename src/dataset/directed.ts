import { InvalidArgumentError } from '../errors/index.ts'
import { checkSeed } from '../operators/check.ts'
import { checkWeights, drawOf } from '../operators/sample-from-datasets.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { describe, type NumericArray } from '../tensor/index.ts'
import { Dataset } from './dataset.ts'
import { mapNode } from './map.ts'
import { randomNode } from './sources.ts'
import { zipNode } from './zip.ts'

/** Options of `chooseFromDatasets`. */
export interface ChooseOptions {
  /**
   * True, the default, ends where the chosen dataset has no more elements; false passes over that choice, and ends
   * when all are exhausted.
   */
  readonly stopOnEmptyDataset?: boolean
}

/** Weights of datasets in one draw. */
export type Weights = readonly number[] | NumericArray

/** Options of `sampleFromDatasets`. */
export interface SampleOptions {
  /**
   * How often each dataset is drawn, in proportion; one of weight 0 never. Default: all alike. A dataset of such lists
   * gives each draw its own, and ends with them.
   */
  readonly weights?: readonly number[] | Dataset<Weights>
  /** Tells samplings of one run apart; mixed with the run's seed. Default 0. */
  readonly seed?: number
  /** True ends when a dataset is drawn that has no more elements; false, the default, when all are exhausted. */
  readonly stopOnEmptyDataset?: boolean
  /** True gives every epoch and every iteration other draws. Default false. */
  readonly rerandomizeEachIteration?: boolean
}

export function chooseNode(
  datasets: readonly Dataset<unknown>[],
  choice: Dataset<number>,
  { stopOnEmptyDataset = true }: ChooseOptions,
  at: At,
): PlanNode {
  const inputs = plansOf('chooseFromDatasets', datasets)
  if (!(choice instanceof Dataset)) {
    throw new InvalidArgumentError(
      `chooseFromDatasets: choices are a dataset of numbers, not ${describe(choice)}`,
    )
  }
  const params = { stopOnEmpty: stopOnEmptyDataset }
  return makeNode('chooseFromDatasets', params, [...inputs, choice.plan], at)
}

export function sampleNode(
  datasets: readonly Dataset<unknown>[],
  options: SampleOptions,
  at: At,
): PlanNode {
  const { weights, seed, stopOnEmptyDataset = false, rerandomizeEachIteration = false } = options
  const inputs = plansOf('sampleFromDatasets', datasets)
  checkSeed('sampleFromDatasets', seed)
  if (weights instanceof Dataset) {
    const choice = choiceOf(weights, inputs.length, options, at)
    const params = { stopOnEmpty: stopOnEmptyDataset }
    return makeNode('chooseFromDatasets', params, [...inputs, choice], at)
  }
  const list = weights ?? inputs.map(() => 1)
  checkWeights(list, inputs.length)
  const params = {
    weights: [...list],
    stopOnEmpty: stopOnEmptyDataset,
    seed,
    rerandomize: rerandomizeEachIteration,
  }
  return makeNode('sampleFromDatasets', params, inputs, at)
}

/** A choice for each list of weights. */
function choiceOf(
  weights: Dataset<Weights>,
  datasets: number,
  { seed, rerandomizeEachIteration }: SampleOptions,
  at: At,
): PlanNode {
  const draws = {
    ...(seed !== undefined && { seed }),
    ...(rerandomizeEachIteration !== undefined && { rerandomizeEachIteration }),
  }
  const chance = new Dataset<number>(randomNode(draws, at))
  const draw = ([own, random]: readonly [Weights, number]): number =>
    drawOf(own, datasets, random / 2 ** 32)
  return mapNode(zipNode([weights, chance], at), draw, {}, at)
}

function plansOf(op: string, datasets: readonly Dataset<unknown>[]): readonly PlanNode[] {
  if (!Array.isArray(datasets) || datasets.length === 0) {
    throw new InvalidArgumentError(`${op} takes an array of one dataset at least`)
  }
  return datasets.map((dataset: unknown) => {
    if (dataset instanceof Dataset) return dataset.plan
    throw new InvalidArgumentError(`${op} takes datasets, not ${describe(dataset)}`)
  })
}
