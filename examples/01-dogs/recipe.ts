import type { LayerSpec, ModelSpec, OptimizerSpec } from 'millstream/ml'

/** How one round trains. */
export interface Recipe {
  /** Highest learning rate, after the warm-up. */
  readonly lr: number
  readonly epochs: number
  readonly weightDecay: number
  /** What is different from the first round, in words. */
  readonly change: string
}

/** Tried one after the other until the validation photos are told apart well enough. */
const adjustments = [
  { lr: 0.05, longer: 1, weightDecay: 5e-4, change: 'the recipe as it is' },
  {
    lr: 0.025,
    longer: 1.5,
    weightDecay: 5e-4,
    change: 'half the learning rate, half as many epochs again',
  },
  {
    lr: 0.05,
    longer: 2,
    weightDecay: 2e-3,
    change: 'twice the epochs, four times the weight decay',
  },
  {
    lr: 0.01,
    longer: 3,
    weightDecay: 1e-3,
    change: 'a fifth of the learning rate, thrice the epochs',
  },
] as const

/** How many rounds there are parameters for. */
export const maxRounds = adjustments.length

/** The recipe of a round, from 0. */
export function recipeOf(round: number, epochs: number): Recipe {
  const chosen = adjustments[Math.min(round, maxRounds - 1)] ?? adjustments[0]
  const { lr, longer, weightDecay, change } = chosen
  return { lr, epochs: Math.ceil(epochs * longer), weightDecay, change }
}

/** How the weights move in a round. */
export function optimizerOf({ weightDecay }: Recipe): OptimizerSpec {
  return { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay }
}

/** Photos in a step: enough steps an epoch also where there are few photos. */
export function batchFor(trainPhotos: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(2, trainPhotos / 4)))
  return Math.min(64, power)
}

/** Passes over the photos: 12, more where that would be too few steps to learn anything. */
export function epochsFor(stepsInEpoch: number): number {
  return Math.min(60, Math.max(12, Math.ceil(600 / stepsInEpoch)))
}

/** What a model spec follows from. */
export interface ModelOptions {
  readonly size: number
  readonly classes: readonly string[]
  readonly batch: number
  readonly seed: number
  readonly threads: number
  readonly optimizer: OptimizerSpec
  /** Of the training photos, by channel, in 0..255. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** The network and its optimizer for photos of `size`. */
export function modelSpec(options: ModelOptions): ModelSpec {
  const { size, classes, batch, seed, threads, optimizer, mean, std } = options
  return {
    input: { shape: [size, size, 3], mean, std },
    layers: [
      ...stems(size),
      ...block(32),
      ...block(64),
      ...block(128),
      { op: 'globalMaxPool' },
      { op: 'dense', units: classes.length },
    ],
    classes,
    batch,
    seed,
    threads,
    optimizer,
  }
}

/** Pooling comes first: batch norm and relu then have a quarter of the work. */
function block(filters: number): LayerSpec[] {
  return [
    { op: 'conv', filters, kernel: 3, bias: false },
    { op: 'maxPool' },
    { op: 'batchNorm' },
    { op: 'relu' },
  ]
}

/** Large photos are halved by cheap convolutions first, so that the rest costs what it costs at 32. */
function stems(size: number): LayerSpec[] {
  const halvings = Math.max(0, Math.round(Math.log2(size / 32) - 0.1))
  return Array.from({ length: halvings }, (): LayerSpec[] => [
    { op: 'conv', filters: 16, kernel: 3, stride: 2, bias: false },
    { op: 'batchNorm' },
    { op: 'relu' },
  ]).flat()
}
