import type { Dataset } from 'millstream'
import {
  metricsOf,
  warmupDecay,
  type Evaluation,
  type ModelSpec,
  type TrainBatch,
  type TrainEngine,
  type Trainer,
} from 'millstream/ml'
import { Progress } from 'millstream/ui'
import type { Recipe } from './recipe.ts'

/** How one epoch went; the training figures are those of its batches, as they were seen. */
export interface EpochResult {
  readonly loss: number
  readonly accuracy: number
  readonly validationLoss: number
  readonly validationAccuracy: number
}

/** A round of training that ran to its end. */
export interface Round {
  readonly number: number
  readonly recipe: Recipe
  readonly epochs: readonly EpochResult[]
  /** Loss of every step. */
  readonly losses: readonly number[]
  /** Over the validation photos after the last epoch. */
  readonly validation: Evaluation
  readonly accuracy: number
  readonly seconds: number
  /** Milliseconds in which the trainer waited for photos. */
  readonly waited: number
  readonly trainer: Trainer
}

/** What a round works with. */
export interface RoundInput {
  /** From 1. */
  readonly number: number
  readonly recipe: Recipe
  readonly engine: TrainEngine
  readonly spec: ModelSpec
  readonly train: Dataset<TrainBatch>
  readonly validation: Dataset<TrainBatch>
  readonly stepsInEpoch: number
  readonly seed: number
  readonly signal: AbortSignal
}

/** Trains a new model by the recipe. The trainer in the result is the caller's to dispose of. */
export async function trainRound(input: RoundInput): Promise<Round> {
  const start = performance.now()
  const trainer = await input.engine.create(input.spec)
  try {
    const result = await runEpochs(input, trainer)
    return { ...result, seconds: (performance.now() - start) / 1_000, trainer }
  } catch (error) {
    await trainer.dispose()
    throw error
  }
}

async function runEpochs(
  input: RoundInput,
  trainer: Trainer,
): Promise<Omit<Round, 'seconds' | 'trainer'>> {
  const { number, recipe, stepsInEpoch, validation } = input
  const total = recipe.epochs * stepsInEpoch
  const progress = new Progress({ label: `train ${number}`, total, unit: 'steps' })
  const epochs: EpochResult[] = []
  const losses: number[] = []
  let waited = 0
  let right = 0
  let busyUntil: number | undefined
  let judged: Evaluation | undefined
  const turns = new Turns(input.signal)
  for await (const step of steps(input, trainer, turns)) {
    losses.push(step.loss)
    right += step.correct
    waited += Math.max(0, step.start - (busyUntil ?? step.start))
    busyUntil = step.end
    progress.update(losses.length, note(epochs.length, recipe.epochs, losses, epochs))
    if (losses.length % stepsInEpoch !== 0) continue
    judged = await turns.between(() =>
      trainer.evaluate(validation.iterate({ signal: input.signal })),
    )
    epochs.push({
      loss: mean(losses.slice(-stepsInEpoch)),
      accuracy: right / (stepsInEpoch * input.spec.batch),
      validationLoss: judged.loss,
      validationAccuracy: metricsOf(judged.confusion).accuracy,
    })
    right = 0
    busyUntil = undefined
  }
  progress.end(`validation accuracy ${(epochs.at(-1)?.validationAccuracy ?? 0).toFixed(4)}`)
  if (judged === undefined) throw new RangeError('a round has at least one epoch')
  const { accuracy } = metricsOf(judged.confusion)
  return { number, recipe, epochs, losses, validation: judged, accuracy, waited }
}

/**
 * Steps of all epochs, in one run: while an epoch is judged, the next one's first photos are prepared. Two steps are under
 * way: while one trains, the next one's photos are at the trainer already, and behind it the pipeline prepares more.
 */
function steps(input: RoundInput, trainer: Trainer, turns: Turns) {
  const { recipe, stepsInEpoch, train, seed, signal } = input
  const schedule = {
    peak: recipe.lr,
    warmupSteps: Math.floor(Math.min(2, recipe.epochs / 6) * stepsInEpoch),
    totalSteps: recipe.epochs * stepsInEpoch,
  }
  return train
    .repeat(recipe.epochs)
    .prefetch(2)
    .map(
      async (batch, { index }) => {
        await turns.of(Math.floor(index / stepsInEpoch))
        return trainer.trainStep(batch, { lr: warmupDecay(schedule, index) })
      },
      { parallelism: 2 },
    )
    .iterate({ seed, signal })
}

/** Holds back the steps of an epoch until the one before was judged. */
class Turns {
  #judged = 0
  #over = false
  readonly #waiting: (() => void)[] = []

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** Resolves when the epoch may train; at once when nothing is trained any more. */
  async of(epoch: number): Promise<void> {
    while (epoch > this.#judged && !this.#over) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Judges an epoch. */
  async between<T>(judge: () => Promise<T>): Promise<T> {
    try {
      return await judge()
    } catch (error) {
      this.#end()
      throw error
    } finally {
      this.#judged++
      this.#wake()
    }
  }

  #end(): void {
    this.#over = true
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function note(
  epoch: number,
  epochs: number,
  losses: readonly number[],
  done: readonly EpochResult[],
): string {
  const loss = mean(losses.slice(-20)).toFixed(3)
  const last = done.at(-1)
  const judged = last === undefined ? '' : `  validation ${last.validationAccuracy.toFixed(3)}`
  return `epoch ${epoch + 1}/${epochs}  loss ${loss}${judged}`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
