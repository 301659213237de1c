/** Runs graphs on ONNX Runtime, and compares them with the reference. */

import * as ort from 'onnxruntime-node'
import { expect } from 'vitest'
import { hashUnit } from '../../src/stream/random.ts'
import { Graph } from '../../src/ml/onnx/graph.ts'
import type { Layer, Target } from '../../src/ml/onnx/ops/layer.ts'
import { array, probes, slopes } from './reference.ts'
import type { Array64 } from './reference.ts'

export type Arrays = Readonly<Record<string, Array64>>

/** Numbers in -1..1 that float32 holds exactly, so that both sides start from the same. */
export function random(shape: readonly number[], key = 1): Array64 {
  return array(shape, (i) => Math.fround(2 * hashUnit(key, i) - 1))
}

/** Runs the graph once; numbers of the outputs by name. */
export async function run(graph: Graph, feeds: Arrays): Promise<Record<string, Float32Array>> {
  const session = await ort.InferenceSession.create(graph.encode(), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const wanted = session.inputNames.map((name) => {
    const value = feeds[name]
    if (value === undefined) throw new Error(`nothing to feed for ${name}`)
    return [name, new ort.Tensor('float32', Float32Array.from(value.data), value.shape)] as const
  })
  const got = await session.run(Object.fromEntries(wanted))
  await session.release()
  return Object.fromEntries(
    Object.entries(got).map(([name, tensor]) => [name, tensor.data as Float32Array]),
  )
}

/** The layer's output as `y`, and gradients of sum(y * upstream) as `d_<name>`. */
export async function runLayer(
  layer: Layer,
  inputs: Arrays,
  upstream: Array64,
  { training = true, target = 'cpu' }: { training?: boolean; target?: Target } = {},
): Promise<Record<string, Float32Array>> {
  const graph = new Graph()
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
  )
  const { x, ...params } = values
  if (x === undefined) throw new Error('a layer needs an input x')
  const { y, backward, updates } = layer({ graph, training, target }, x, params)
  expect(y.shape).toEqual(upstream.shape)
  const gradients = backward(graph.input('dy', 'float32', upstream.shape))
  graph.output('y', y)
  for (const [name, value] of Object.entries({ x: gradients.x, ...gradients.params }))
    graph.output(`d_${name}`, value)
  for (const [name, value] of Object.entries(updates ?? {})) graph.output(`${name}_n`, value)
  return run(graph, { ...inputs, dy: upstream })
}

/** Checks a layer's output and all of its gradients against a plain function by finite differences. */
export async function checkLayer(
  layer: Layer,
  inputs: Arrays,
  reference: (inputs: Arrays) => Array64,
  options: { training?: boolean; target?: Target; fixed?: readonly string[] } = {},
): Promise<void> {
  const expected = reference(inputs)
  const upstream = random(expected.shape, 77)
  const got = await runLayer(layer, inputs, upstream, options)
  expectClose(got['y'], expected.data)
  const total = (): number =>
    reference(inputs).data.reduce((sum, value, i) => sum + value * (upstream.data[i] ?? 0), 0)
  for (const [name, value] of Object.entries(inputs))
    if (!options.fixed?.includes(name)) {
      const gradient = got[`d_${name}`] ?? new Float32Array(0)
      expect(gradient.length).toBe(value.data.length)
      const probed = probes(value).map((i) => gradient[i] ?? Number.NaN)
      expectClose(probed, slopes(value, total))
    }
}

/** Relative distance of the whole, so that a few small numbers don't decide. */
export function expectClose(
  got: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  tolerance = 1e-5,
): void {
  expect(got?.length).toBe(expected.length)
  let off = 0
  let size = 0
  for (let i = 0; i < expected.length; i++) {
    off += ((got?.[i] ?? Number.NaN) - (expected[i] ?? Number.NaN)) ** 2
    size += (expected[i] ?? 0) ** 2
  }
  expect(Math.sqrt(off) / Math.max(Math.sqrt(size), 1e-3)).toBeLessThan(tolerance)
}
