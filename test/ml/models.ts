/** A small model with every kind of layer it takes, and photos for it. */

import { hash } from '../../src/stream/random.ts'
import type { ModelSpec, TrainBatch } from '../../src/ml/index.ts'

export const spec = {
  input: { shape: [18, 16, 3], mean: [120, 130, 110], std: [60, 50, 70] },
  layers: [
    { op: 'conv', filters: 4, bias: false },
    { op: 'batchNorm' },
    { op: 'relu' },
    { op: 'maxPool' },
    { op: 'conv', filters: 6, kernel: 5, stride: 2 },
    { op: 'relu' },
    { op: 'conv', filters: 5, kernel: 1 },
    { op: 'batchNorm' },
    { op: 'globalMaxPool' },
    { op: 'dense', units: 3 },
  ],
  classes: ['red', 'green', 'blue'],
  batch: 8,
  seed: 7,
  optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
  threads: 1,
} as const satisfies ModelSpec

/** Noise, in which the channel of the class is brighter. */
export function photos(n: number, seed: number): TrainBatch {
  const y = Int32Array.from({ length: n }, (_, i) => hash(seed, i) % 3)
  const size = 18 * 16 * 3
  const x = Uint8Array.from({ length: n * size }, (_, i) => {
    const bright = i % 3 === y[Math.floor(i / size)] ? 60 : 0
    return (hash(seed + 1000, i) % 190) + bright
  })
  return { x, y }
}
