import { describe, expect, test } from 'vitest'
import { gelu, leakyRelu, relu, sigmoid, softmax, tanh } from '../../src/ml/onnx/ops/activation.ts'
import { conv2d } from '../../src/ml/onnx/ops/conv.ts'
import { dense } from '../../src/ml/onnx/ops/dense.ts'
import { batchNorm, layerNorm } from '../../src/ml/onnx/ops/norm.ts'
import { avgPool2d, globalAvgPool, globalMaxPool, maxPool2d } from '../../src/ml/onnx/ops/pool.ts'
import { flatten } from '../../src/ml/onnx/ops/shape.ts'
import * as plain from './reference.ts'
import type { Array64, Options } from './reference.ts'
import { checkLayer, expectClose, random, runLayer } from './support.ts'
import type { Arrays } from './support.ts'

function need(inputs: Arrays, name: string): Array64 {
  const value = inputs[name]
  if (value === undefined) throw new Error(`no input ${name}`)
  return value
}

describe('convolution', () => {
  const cases: readonly [string, number[], number[], Options][] = [
    ['1x1', [2, 3, 5, 4], [4, 3, 1, 1], {}],
    ['3x3, same size', [2, 3, 5, 6], [4, 3, 3, 3], { padding: [1, 1] }],
    ['5x5, stride 2', [1, 2, 9, 8], [3, 2, 5, 5], { padding: [2, 2], stride: [2, 2] }],
    ['many channels, large map', [1, 16, 16, 16], [2, 16, 3, 3], { padding: [1, 1] }],
    ['many channels, small map', [2, 16, 4, 4], [3, 16, 3, 3], { padding: [1, 1] }],
    ['large map, stride 1, few channels', [1, 2, 18, 17], [2, 2, 3, 2], {}],
    ['dilation', [2, 2, 8, 7], [3, 2, 3, 3], { dilation: [2, 2], padding: [2, 1] }],
    ['dilation and stride', [1, 2, 11, 10], [2, 2, 3, 3], { dilation: [2, 3], stride: [2, 2] }],
    ['groups', [2, 4, 5, 5], [6, 2, 3, 3], { groups: 2, padding: [1, 1] }],
    ['depthwise, stride', [2, 3, 7, 6], [3, 1, 3, 3], { groups: 3, stride: [2, 3] }],
    ['depth multiplier', [1, 2, 5, 5], [4, 1, 2, 2], { groups: 2, dilation: [2, 2] }],
    ['not square, padding beyond the kernel', [1, 2, 5, 9], [3, 2, 3, 1], { padding: [1, 1] }],
    ['stride beyond the kernel', [1, 2, 9, 9], [2, 2, 2, 2], { stride: [3, 3] }],
    ['even kernel', [2, 2, 6, 5], [3, 2, 2, 4], { padding: [1, 2], stride: [1, 2] }],
  ]
  test.each(cases)('%s', async (_, x, w, options) => {
    const inputs = { x: random(x, 1), w: random(w, 2), b: random([w[0] ?? 0], 3) }
    const make = (given: Arrays): Array64 =>
      plain.conv(need(given, 'x'), need(given, 'w'), given['b'], options)
    await checkLayer(conv2d(options), inputs, make)
    const { b: _bias, ...bare } = inputs
    await checkLayer(conv2d(options), bare, make)
  })

  test('a window larger than the picture is refused', async () => {
    const inputs = { x: random([1, 1, 2, 2]), w: random([1, 1, 3, 3]) }
    await expect(runLayer(conv2d(), inputs, random([1, 1, 1, 1]))).rejects.toThrow('does not fit')
  })
})

describe('pools', () => {
  const cases: readonly [string, number[], Options][] = [
    ['2', [2, 2, 6, 4], { size: [2, 2] }],
    ['2, odd map', [1, 3, 7, 5], { size: [2, 2] }],
    ['overlapping', [2, 2, 7, 8], { size: [3, 3], stride: [2, 2] }],
    ['padded', [1, 2, 7, 6], { size: [3, 3], stride: [2, 2], padding: [1, 1] }],
    ['padded, not overlapping', [1, 2, 6, 6], { size: [2, 2], padding: [1, 1] }],
    ['gaps', [1, 2, 8, 9], { size: [2, 2], stride: [3, 3] }],
    ['not square', [2, 1, 6, 9], { size: [2, 3], stride: [1, 2] }],
  ]
  test.each(cases)('max %s', async (_, shape, options) => {
    const make = ({ x }: Arrays): Array64 => plain.maxPool(x ?? random([]), options)
    const layer = maxPool2d({ ...options, size: options.size ?? 2 })
    await checkLayer(layer, { x: random(shape) }, make)
    await checkLayer(layer, { x: random(shape) }, make, { target: 'webgpu' })
  })

  test.each(cases)('average %s', async (_, shape, options) => {
    for (const countPadding of [true, false]) {
      const all = { ...options, countPadding, size: options.size ?? ([2, 2] as const) }
      await checkLayer(avgPool2d(all), { x: random(shape) }, ({ x }) =>
        plain.avgPool(x ?? random([]), all),
      )
    }
  })

  test('max with dilation', async () => {
    const options = { size: [2, 2], dilation: [2, 2], stride: [1, 1] } as const
    await checkLayer(maxPool2d(options), { x: random([1, 2, 6, 5]) }, ({ x }) =>
      plain.maxPool(x ?? random([]), options),
    )
  })

  test.each(['cpu', 'webgpu'] as const)(
    'equal pixels on %s: the first gets all',
    async (target) => {
      const x = { data: new Float64Array(9).fill(3), shape: [1, 1, 3, 3] }
      const upstream = { data: Float64Array.of(5), shape: [1, 1, 1, 1] }
      const got = await runLayer(maxPool2d({ size: 2 }), { x }, upstream, { target })
      expect([...(got['d_x'] ?? [])]).toEqual([5, 0, 0, 0, 0, 0, 0, 0, 0])
    },
  )

  test('over whole maps', async () => {
    const x = random([2, 3, 3, 4])
    const top = (values: Float64Array): number => Math.max(...values)
    await checkLayer(globalMaxPool(), { x }, () => plain.overMaps(x, top))
    await checkLayer(globalMaxPool(), { x }, () => plain.overMaps(x, top), { target: 'webgpu' })
    await checkLayer(globalAvgPool(), { x }, () => plain.overMaps(x, plain.mean))
  })
})

describe('activations', () => {
  const cases = {
    relu: [relu(), (x: number) => Math.max(0, x)],
    leakyRelu: [leakyRelu(0.1), (x: number) => (x > 0 ? x : 0.1 * x)],
    sigmoid: [sigmoid(), (x: number) => 1 / (1 + Math.exp(-x))],
    tanh: [tanh(), Math.tanh],
  } as const
  test.each(Object.entries(cases))('%s', async (_, [layer, apply]) => {
    const x = plain.each(random([3, 5, 2, 2]), (value) => Math.fround(4 * value))
    await checkLayer(layer, { x }, () => plain.each(x, apply))
  })

  test('gelu', async () => {
    const x = random([3, 40])
    // P(N(0, 1) < x) by summing the bell.
    const below = (end: number): number => {
      const step = end / 2000
      let sum = 0.5
      for (let i = 0; i < 2000; i++)
        sum += (step * Math.exp(-((step * (i + 0.5)) ** 2) / 2)) / Math.sqrt(2 * Math.PI)
      return sum
    }
    await checkLayer(gelu(), { x }, () => plain.each(x, (value) => value * below(value)))
  })

  test('relu has slope 0 at zero, leaky relu its own', async () => {
    const x = { data: Float64Array.of(0), shape: [1, 1] }
    const one = { data: Float64Array.of(1), shape: [1, 1] }
    expect((await runLayer(relu(), { x }, one))['d_x']?.[0]).toBe(0)
    expect((await runLayer(leakyRelu(0.25), { x }, one))['d_x']?.[0]).toBe(0.25)
  })

  test('softmax over rows and over channels', async () => {
    for (const shape of [
      [3, 5],
      [2, 4, 2, 3],
    ]) {
      const x = plain.each(random(shape), (value) => Math.fround(5 * value))
      await checkLayer(softmax(), { x }, () => plain.softmax(x))
    }
  })
})

describe('dense and shapes', () => {
  test('dense, with and without bias, also on three axes', async () => {
    for (const shape of [
      [4, 5],
      [2, 3, 5],
    ]) {
      const x = random(shape, 1)
      const w = random([3, 5], 2)
      const b = random([3], 3)
      await checkLayer(dense(), { x, w, b }, () => plain.dense(x, w, b))
      await checkLayer(dense(), { x, w }, () => plain.dense(x, w, undefined))
    }
  })

  test('flatten', async () => {
    const x = random([2, 3, 2, 2])
    await checkLayer(flatten(), { x }, () => ({ data: x.data, shape: [2, 12] }))
  })
})

describe('norms', () => {
  test.each([[[6, 4]], [[3, 4, 2, 3]]])('batch norm while training, %j', async (shape) => {
    const [x, w, b] = [random(shape, 1), random([4], 2), random([4], 3)]
    await checkLayer(batchNorm(), { x, w, b }, () => plain.batchNorm(x, w, b))
  })

  test.each([[[6, 4]], [[3, 4, 2, 3]]])('batch norm with fixed statistics, %j', async (shape) => {
    const inputs = {
      x: random(shape, 1),
      w: random([4], 2),
      b: random([4], 3),
      mean: random([4], 4),
      var: plain.each(random([4], 5), (value) => Math.fround(1.5 + value)),
    }
    const fixed = { mean: inputs.mean.data, var: inputs.var.data }
    await checkLayer(
      batchNorm(),
      inputs,
      () => plain.batchNorm(inputs.x, inputs.w, inputs.b, fixed),
      { training: false, fixed: ['mean', 'var'] },
    )
  })

  test('batch norm moves its running statistics', async () => {
    const inputs = {
      x: random([3, 2, 4, 4], 1),
      w: random([2], 2),
      b: random([2], 3),
      mean: random([2], 4),
      var: random([2], 5),
    }
    const got = await runLayer(batchNorm({ momentum: 0.3 }), inputs, random([3, 2, 4, 4]))
    const seen = plain.statistics(inputs.x)
    const blend = (old: Float64Array, now: Float64Array): Float64Array =>
      old.map((value, i) => 0.7 * value + 0.3 * (now[i] ?? 0))
    expectClose(got['mean_n'], blend(inputs.mean.data, seen.mean))
    const unbiased = seen.var.map((value) => (value * seen.count) / (seen.count - 1))
    expectClose(got['var_n'], blend(inputs.var.data, unbiased))
  })

  test('batch norm keeps its precision far from zero', async () => {
    const x = plain.each(random([8, 2, 4, 4]), (value) => Math.fround(50 + value))
    const [w, b] = [random([2], 2), random([2], 3)]
    const got = await runLayer(batchNorm(), { x, w, b }, random([8, 2, 4, 4]))
    expectClose(got['y'], plain.batchNorm(x, w, b).data, 1e-4)
  })

  test('layer norm', async () => {
    for (const shape of [
      [4, 6],
      [2, 3, 6],
    ]) {
      const [x, w, b] = [random(shape, 1), random([6], 2), random([6], 3)]
      await checkLayer(layerNorm(), { x, w, b }, () => plain.layerNorm(x, w, b))
    }
  })
})
