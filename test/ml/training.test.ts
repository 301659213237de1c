/** Whole training through the engine against the same training written out in float64. */

import { expect, test } from 'vitest'
import { onnxEngine } from '../../src/ml/index.ts'
import type { ModelSpec, TrainBatch } from '../../src/ml/index.ts'
import { initialValues, planModel } from '../../src/ml/onnx/plan.ts'
import { hash } from '../../src/stream/random.ts'
import * as plain from './reference.ts'
import type { Array64 } from './reference.ts'
import { expectClose } from './support.ts'

const spec = {
  input: { shape: [6, 7, 2], mean: [100, 140], std: [60, 80] },
  layers: [
    { op: 'conv', filters: 3, bias: false },
    { op: 'maxPool' },
    { op: 'batchNorm' },
    { op: 'relu' },
    { op: 'conv', filters: 4, stride: 2 },
    { op: 'flatten' },
    { op: 'dense', units: 3 },
  ],
  classes: ['a', 'b', 'c'],
  batch: 6,
  seed: 11,
  optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 },
} as const satisfies ModelSpec

const [momentum, decay, lr] = [0.9, 0.01, 0.05]
type Weights = Map<string, Array64>

function weight(weights: Weights, name: string): Array64 {
  const value = weights.get(name)
  if (value === undefined) throw new Error(`no weight ${name}`)
  return value
}

function photos(seed: number): TrainBatch {
  const x = Uint8Array.from({ length: 6 * 6 * 7 * 2 }, (_, i) => hash(seed, i) % 256)
  return { x, y: Int32Array.from({ length: 6 }, (_, i) => (i + seed) % 3) }
}

/** Bytes [n, h, w, c] to centred [n, c, h, w]. */
function centred({ x }: TrainBatch): Array64 {
  return plain.array([6, 2, 6, 7], (i) => {
    const [pixel, c, n] = [i % 42, Math.floor(i / 42) % 2, Math.floor(i / 84)]
    const value = x[(n * 42 + pixel) * 2 + c] ?? 0
    return (value - (spec.input.mean[c] ?? 0)) / (spec.input.std[c] ?? 1)
  })
}

/** Logits, and what batch norm saw. */
function forward(
  weights: Weights,
  x: Array64,
  training: boolean,
): { logits: Array64; seen: ReturnType<typeof plain.statistics> } {
  const w = (name: string): Array64 => weight(weights, name)
  const first = plain.conv(x, w('conv0.w'), undefined, { padding: [1, 1] })
  const pooled = plain.maxPool(first, { size: [2, 2] })
  const running = { mean: w('batchNorm2.mean').data, var: w('batchNorm2.var').data }
  const fixed = training ? undefined : running
  const normed = plain.batchNorm(pooled, w('batchNorm2.w'), w('batchNorm2.b'), fixed)
  const active = plain.each(normed, (value) => Math.max(0, value))
  const options = { padding: [1, 1], stride: [2, 2] } as const
  const second = plain.conv(active, w('conv4.w'), w('conv4.b'), options)
  const flat = { data: second.data, shape: [6, second.data.length / 6] }
  const logits = plain.dense(flat, w('dense6.w'), w('dense6.b'))
  return { logits, seen: plain.statistics(pooled) }
}

/** One step in place; answers the loss and the number of right ones before it. */
function stepOf(
  weights: Weights,
  speeds: Map<string, Float64Array>,
  batch: TrainBatch,
): { loss: number; correct: number } {
  const x = centred(batch)
  const y = [...batch.y]
  const loss = (): number => plain.crossEntropy(forward(weights, x, true).logits, y)
  const { logits, seen } = forward(weights, x, true)
  const before = { loss: loss(), correct: y.filter((k, i) => best(logits.data, i) === k).length }
  const learning = [...weights].filter(([name]) => !/mean|var/.test(name))
  const gradients = learning.map(([, w]) => plain.slopes(w, loss, 1e-6, Infinity))
  for (const [k, [name, { data }]] of learning.entries()) {
    const speed = speeds.get(name) ?? data.map(() => 0)
    const shrink = /(conv|dense)\d\.w/.test(name) ? decay : 0
    for (const [i, slope] of (gradients[k] ?? []).entries()) {
      const full = slope + shrink * (data[i] ?? 0)
      speed[i] = momentum * (speed[i] ?? 0) + full
      data[i] = (data[i] ?? 0) - lr * (full + momentum * speed[i])
    }
    speeds.set(name, speed)
  }
  const blend = (old: Float64Array, now: Float64Array, by: number): void =>
    old.forEach((value, i) => (old[i] = 0.9 * value + 0.1 * by * (now[i] ?? 0)))
  blend(weight(weights, 'batchNorm2.mean').data, seen.mean, 1)
  blend(weight(weights, 'batchNorm2.var').data, seen.var, seen.count / (seen.count - 1))
  return before
}

function best(logits: Float64Array, row: number): number {
  const values = [...logits.subarray(3 * row, 3 * row + 3)]
  return values.indexOf(Math.max(...values))
}

test('losses and answers of some steps', async () => {
  const plan = planModel(spec)
  const weights: Weights = new Map(
    plan.parameters.map((parameter) => [
      parameter.name,
      {
        data: Float64Array.from(initialValues(parameter, spec.seed)),
        shape: parameter.shape,
      },
    ]),
  )
  const speeds = new Map<string, Float64Array>()
  const trainer = await onnxEngine.create(spec)
  for (const seed of [1, 2, 3]) {
    const expected = stepOf(weights, speeds, photos(seed))
    const { loss, correct } = await trainer.trainStep(photos(seed), { lr })
    expectClose([loss], [expected.loss], 1e-5)
    expect(correct).toBe(expected.correct)
  }
  const held = photos(9)
  const expected = plain.softmax(forward(weights, centred(held), false).logits)
  expectClose(await trainer.predict(held.x, 6), expected.data, 1e-4)
  const { loss, confusion } = await trainer.evaluate(
    (async function* () {
      yield await Promise.resolve(held)
    })(),
  )
  expect(loss).toBeCloseTo(plain.crossEntropy(plain.each(expected, Math.log), [...held.y]), 4)
  expect(confusion.map((row) => row.reduce((sum, value) => sum + value, 0))).toEqual([2, 2, 2])
  await trainer.dispose()
})

test('first weights have the deviation they should', () => {
  const { parameters } = planModel({
    ...spec,
    layers: [
      { op: 'conv', filters: 500, kernel: 5 },
      { op: 'globalAvgPool' },
      { op: 'dense', units: 3 },
    ],
  })
  const [conv, bias, dense] = parameters.map((parameter) => initialValues(parameter, 3))
  const deviation = (values: Float32Array | undefined): number => {
    const squares = Float64Array.from(values ?? [], (value) => value * value)
    return Math.sqrt(plain.mean(squares))
  }
  expect(deviation(conv)).toBeCloseTo(Math.sqrt(2 / 50), 2)
  expect(deviation(dense)).toBeCloseTo(Math.sqrt(1 / 500), 2)
  expect(deviation(bias)).toBe(0)
})
