import { describe, expect, test } from 'vitest'
import { Graph } from '../../src/ml/onnx/graph.ts'
import type { Value } from '../../src/ml/onnx/graph.ts'
import { losses } from '../../src/ml/onnx/loss.ts'
import { correctionsAt, moveWeight, slotsOf } from '../../src/ml/onnx/optimizer.ts'
import type { OptimizerOptions } from '../../src/ml/onnx/optimizer.ts'
import { array, crossEntropy, each, slopes } from './reference.ts'
import type { Array64 } from './reference.ts'
import { expectClose, random, run } from './support.ts'

describe('losses', () => {
  type Measure = (z: number, t: number) => number
  const pointwise: Readonly<Record<string, Measure>> = {
    sigmoidCrossEntropy: (z, t) => Math.log(1 + Math.exp(z)) - z * t,
    meanSquaredError: (z, t) => (z - t) ** 2,
    meanAbsoluteError: (z, t) => Math.abs(z - t),
    huber: (z, t) => (Math.abs(z - t) <= 1 ? (z - t) ** 2 / 2 : Math.abs(z - t) - 0.5),
  }

  async function measured(
    name: keyof typeof losses,
    z: Array64,
    t: Array64,
  ): Promise<Record<string, Float32Array>> {
    const graph = new Graph()
    const targets = graph.input('t', 'float32', t.shape)
    const rows = name === 'softmaxCrossEntropy' && t.shape.length === 1
    const { loss, gradient } = losses[name](
      graph,
      graph.input('z', 'float32', z.shape),
      rows ? graph.cast(targets, 'int32') : targets,
    )
    graph.output('loss', loss)
    graph.output('gradient', gradient)
    return run(graph, { z, t })
  }

  test.each(Object.entries(pointwise))('%s', async (name, measure) => {
    const z = each(random([4, 3], 5), (value) => Math.fround(4 * value))
    const t = each(random([4, 3], 6), (value) => Math.fround((value + 1) / 2))
    const total = (): number =>
      z.data.reduce((sum, value, i) => sum + measure(value, t.data[i] ?? 0), 0) / z.data.length
    const got = await measured(name as keyof typeof losses, z, t)
    expectClose(got['loss'], [total()])
    expectClose(got['gradient'], slopes(z, total))
  })

  test('softmaxCrossEntropy of class numbers', async () => {
    const z = each(random([5, 3], 5), (value) => Math.fround(6 * value))
    const t = array([5], (i) => i % 3)
    const total = (): number => crossEntropy(z, [...t.data])
    const got = await measured('softmaxCrossEntropy', z, t)
    expectClose(got['loss'], [total()])
    expectClose(got['gradient'], slopes(z, total))
  })

  test('softmaxCrossEntropy of distributions', async () => {
    const z = random([2, 2])
    const got = await measured('softmaxCrossEntropy', z, list([2, 2], 0.25, 0.75, 0, 1))
    const sure = (row: number, k: number): number => {
      const picked = { data: z.data.slice(2 * row, 2 * row + 2), shape: [1, 2] }
      return crossEntropy(picked, [k])
    }
    const expected = (0.25 * sure(0, 0) + 0.75 * sure(0, 1) + sure(1, 1)) / 2
    expectClose(got['loss'], [expected])
  })

  test('large logits neither overflow nor lose their gradient', async () => {
    const z = list([2, 2], 1000, -1000, -500, 500)
    const soft = await measured(
      'softmaxCrossEntropy',
      z,
      array([2], () => 1),
    )
    expect(soft['loss']?.[0]).toBe(1000)
    expect([...(soft['gradient'] ?? [])]).toEqual([0.5, -0.5, 0, 0])
    const binary = await measured(
      'sigmoidCrossEntropy',
      z,
      array([2, 2], () => 1),
    )
    expect(binary['loss']?.[0]).toBe(375)
  })
})

describe('optimizers', () => {
  /** What is kept per weight. */
  type Slots = Record<string, number>
  type Rule = (w: number, g: number, s: Slots, lr: number, step: number) => number

  const sgd =
    (momentum: number, nesterov: boolean, decay: number): Rule =>
    (w, g, s, lr) => {
      const full = g + decay * w
      s['m'] = momentum * (s['m'] ?? 0) + full
      return w - lr * (nesterov ? full + momentum * s['m'] : s['m'])
    }
  const adam =
    (beta1: number, beta2: number, eps: number, decay: number, apart: boolean): Rule =>
    (w, g, s, lr, step) => {
      const full = apart ? g : g + decay * w
      s['m'] = beta1 * (s['m'] ?? 0) + (1 - beta1) * full
      s['v'] = beta2 * (s['v'] ?? 0) + (1 - beta2) * full ** 2
      const move = s['m'] / (1 - beta1 ** step) / (Math.sqrt(s['v'] / (1 - beta2 ** step)) + eps)
      return (apart ? w * (1 - lr * decay) : w) - lr * move
    }
  const rmsProp =
    (alpha: number, momentum: number, decay: number): Rule =>
    (w, g, s, lr) => {
      const full = g + decay * w
      s['v'] = alpha * (s['v'] ?? 0) + (1 - alpha) * full ** 2
      s['m'] = momentum * (s['m'] ?? 0) + full / (Math.sqrt(s['v']) + 1e-8)
      return w - lr * s['m']
    }

  const cases: readonly [string, OptimizerOptions, Rule][] = [
    ['plain', { kind: 'sgd' }, sgd(0, false, 0)],
    ['decay', { kind: 'sgd', weightDecay: 0.1 }, sgd(0, false, 0.1)],
    ['momentum', { kind: 'sgd', momentum: 0.9 }, sgd(0.9, false, 0)],
    ['all', { kind: 'sgd', momentum: 0.8, nesterov: true, weightDecay: 0.1 }, sgd(0.8, true, 0.1)],
    ['adam', { kind: 'adam' }, adam(0.9, 0.999, 1e-8, 0, false)],
    [
      'adam, all',
      { kind: 'adam', beta1: 0.7, beta2: 0.9, eps: 1e-4, weightDecay: 0.1 },
      adam(0.7, 0.9, 1e-4, 0.1, false),
    ],
    ['adamW', { kind: 'adamW', weightDecay: 0.1 }, adam(0.9, 0.999, 1e-8, 0.1, true)],
    ['rmsProp', { kind: 'rmsProp' }, rmsProp(0.99, 0, 0)],
    [
      'rmsProp, all',
      { kind: 'rmsProp', alpha: 0.9, momentum: 0.5, weightDecay: 0.1 },
      rmsProp(0.9, 0.5, 0.1),
    ],
  ]

  test.each(cases)('%s', async (_, options, rule) => {
    const graph = stepGraph(options, [6])
    const lr = 0.05
    let state: Record<string, Array64> = { w: random([6], 1) }
    for (const name of slotsOf(options)) state[name] = array([6], () => 0)
    let expected = Array.from(state['w']?.data ?? [])
    const kept: Slots[] = expected.map(() => ({}))
    for (let step = 1; step <= 5; step++) {
      const g = random([6], 10 + step)
      const [correction1, correction2] = correctionsAt(options, step)
      const scalars = { lr, correction1, correction2 }
      const feeds = Object.entries(scalars).map(([name, value]) => [name, list([], value)] as const)
      const got = await run(graph, { ...state, ...Object.fromEntries(feeds), g })
      state = Object.fromEntries(
        Object.entries(got).map(([name, data]) => [name.slice(0, -2), list([6], ...data)]),
      )
      expected = expected.map((w, i) => rule(w, g.data[i] ?? 0, kept[i] ?? {}, lr, step))
      expectClose(state['w']?.data, expected)
    }
  })

  function stepGraph(options: OptimizerOptions, shape: readonly number[]): Graph {
    const graph = new Graph()
    const input = (name: string, size = shape): Value => graph.input(name, 'float32', size)
    const slots = Object.fromEntries(slotsOf(options).map((name) => [name, input(name)]))
    const moved = moveWeight(
      graph,
      options,
      { weight: input('w'), gradient: input('g'), slots },
      {
        lr: input('lr', []),
        correction1: input('correction1', []),
        correction2: input('correction2', []),
      },
    )
    graph.output('w_n', moved.weight)
    for (const [name, value] of Object.entries(moved.slots)) graph.output(`${name}_n`, value)
    return graph
  }
})

function list(shape: readonly number[], ...values: readonly number[]): Array64 {
  return { data: Float64Array.from(values), shape }
}
