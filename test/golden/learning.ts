/**
 * Golden cases of learning: layers, losses, optimisers and small networks, computed by the graphs that
 * training uses, on the runtime it uses.
 */

import * as ort from 'onnxruntime-node'
import { Graph } from '../../src/ml/onnx/graph.ts'
import type { ElementType, Value } from '../../src/ml/onnx/graph.ts'
import { losses } from '../../src/ml/onnx/loss.ts'
import { trainingStep } from '../../src/ml/onnx/network.ts'
import type { NamedLayer } from '../../src/ml/onnx/network.ts'
import { gelu, leakyRelu, relu, sigmoid, softmax, tanh } from '../../src/ml/onnx/ops/activation.ts'
import { conv2d } from '../../src/ml/onnx/ops/conv.ts'
import { dense } from '../../src/ml/onnx/ops/dense.ts'
import type { Layer, Pair } from '../../src/ml/onnx/ops/layer.ts'
import { batchNorm, layerNorm } from '../../src/ml/onnx/ops/norm.ts'
import { avgPool2d, globalAvgPool, globalMaxPool, maxPool2d } from '../../src/ml/onnx/ops/pool.ts'
import { flatten } from '../../src/ml/onnx/ops/shape.ts'
import { correctionsAt, moveWeight, slotsOf } from '../../src/ml/onnx/optimizer.ts'
import type { OptimizerOptions } from '../../src/ml/onnx/optimizer.ts'

export type Outcome =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly expected: string; readonly got: string }
  | { readonly status: 'skipped'; readonly why: string }

interface Packed {
  readonly shape: readonly number[]
  readonly f32: string
}
type Packs = Readonly<Record<string, Packed>>
type Options = Readonly<Record<string, unknown>>

interface LayerUse {
  readonly layer: string
  readonly name?: string
  readonly options?: Options
}
interface LayerCase extends LayerUse {
  readonly op: 'layer'
  readonly inputs: Packs
  readonly upstream: Packed
  readonly expect: { readonly output: Packed; readonly gradients: Packs }
}
interface LossCase {
  readonly op: 'loss'
  readonly loss: string
  readonly logits: Packed
  readonly targets: readonly unknown[]
  readonly expect: { readonly loss: number; readonly gradient: Packed }
}
interface OptimiserCase {
  readonly op: 'optimiser'
  readonly optimiser: Options
  readonly weights: Packed
  readonly gradients: readonly Packed[]
  readonly report: readonly number[]
  readonly expect: { readonly weights: Packs }
}
interface NetworkCase {
  readonly op: 'network'
  readonly model: readonly LayerUse[]
  readonly weights: Packs
  readonly batches: readonly { readonly x: Packed; readonly targets: readonly unknown[] }[]
  readonly loss: string
  readonly optimiser: Options
  readonly report: readonly number[]
  readonly expect: {
    readonly logits: Packed
    readonly loss: number
    readonly gradients: Packs
    readonly losses: readonly number[]
    readonly weightsAfter: Readonly<Record<string, Packs>>
  }
}
type Case = LayerCase | LossCase | OptimiserCase | NetworkCase

interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** A case names something the engine does not have. */
class Unsupported extends Error {}

/** A result is not the expected one. */
class Mismatch extends Error {
  readonly expected: string
  readonly got: string

  constructor(what: string, expected: unknown, got: unknown) {
    super(what)
    this.expected = `${what} ${String(expected)}`
    this.got = `${what} ${String(got)}`
  }
}

/** Runs one case of `learning/*.json`; `header` is that of its file. */
export async function runLearningCase(testCase: unknown, header: unknown): Promise<Outcome> {
  const tolerance = (header as { tolerance?: Tolerance }).tolerance
  const check = new Check(tolerance ?? { relative: 1e-4, absolute: 1e-5 })
  const input = testCase as Case
  try {
    if (input.op === 'layer') await runLayer(input, check)
    else if (input.op === 'loss') await runLoss(input, check)
    else if (input.op === 'optimiser') await runOptimiser(input, check)
    else if (input.op === 'network') await runNetwork(input, check)
    else return { status: 'skipped', why: `unknown kind ${(input as { op: string }).op}` }
    return { status: 'passed' }
  } catch (error) {
    if (error instanceof Unsupported) return { status: 'skipped', why: error.message }
    if (error instanceof Mismatch)
      return { status: 'failed', expected: error.expected, got: error.got }
    return { status: 'failed', expected: 'a result', got: String(error) }
  }
}

async function runLayer(test: LayerCase, check: Check): Promise<void> {
  const graph = new Graph()
  const inputs = Object.entries(test.inputs).map(
    ([name, packed]) => [name, graph.input(name, 'float32', packed.shape)] as const,
  )
  const { x, ...params } = Object.fromEntries(inputs)
  if (x === undefined) throw new Unsupported(`${test.layer} without an input "x"`)
  const layer = layerOf(test)
  const training = test.layer !== 'batchNormEval'
  const { y, backward } = layer({ graph, training, target: 'cpu' }, x, params)
  const gradients = backward(graph.input('dy', 'float32', test.upstream.shape))
  graph.output('output', y)
  const named: Record<string, Value> = { x: gradients.x, ...gradients.params }
  for (const [name, value] of Object.entries(named)) graph.output(`d_${name}`, value)
  const got = await runOnce(graph, { ...feedsOf(test.inputs), dy: tensorOf(test.upstream) })
  check.tensor('output', test.expect.output, got['output'])
  for (const [name, expected] of Object.entries(test.expect.gradients))
    if (name !== 'mean' && name !== 'var')
      check.tensor(`gradient of ${name}`, expected, got[`d_${name}`])
}

async function runLoss(test: LossCase, check: Check): Promise<void> {
  const graph = new Graph()
  const z = graph.input('z', 'float32', test.logits.shape)
  const targets = targetsOf(test.loss, test.targets)
  const t = graph.input('t', targets.type as ElementType, targets.dims)
  const { loss, gradient } = losses[lossName(test.loss)](graph, z, t)
  graph.output('loss', loss)
  graph.output('gradient', gradient)
  const got = await runOnce(graph, { z: tensorOf(test.logits), t: targets })
  check.number('loss', test.expect.loss, got['loss'])
  check.tensor('gradient', test.expect.gradient, got['gradient'])
}

async function runOptimiser(test: OptimiserCase, check: Check): Promise<void> {
  const { options, lr } = optimizerOf(test.optimiser)
  const graph = new Graph()
  const { shape } = test.weights
  const weight = graph.input('w', 'float32', shape)
  const gradient = graph.input('g', 'float32', shape)
  const slots = Object.fromEntries(
    slotsOf(options).map((name) => [name, graph.input(name, 'float32', shape)]),
  )
  const moved = moveWeight(graph, options, { weight, gradient, slots }, scalarsOf(graph))
  graph.output('w_n', moved.weight)
  for (const [name, value] of Object.entries(moved.slots)) graph.output(`${name}_n`, value)

  const state: Record<string, ort.Tensor> = { w: tensorOf(test.weights) }
  for (const name of Object.keys(slots)) state[name] = zerosOf(shape)
  const run = await open(graph)
  for (const [index, packed] of test.gradients.entries()) {
    const step = index + 1
    const got = await run({ ...state, ...scalarFeeds(options, lr, step), g: tensorOf(packed) })
    advance(state, got)
    const expected = test.expect.weights[step]
    if (expected) check.tensor(`weights after ${step}`, expected, state['w'])
  }
}

async function runNetwork(test: NetworkCase, check: Check): Promise<void> {
  const { options, lr } = optimizerOf(test.optimiser)
  const { graph, state } = networkGraph(test, options)
  const run = await open(graph)
  for (let step = 1; step <= Math.max(...test.report); step++) {
    const batch = test.batches[(step - 1) % test.batches.length]
    if (batch === undefined) throw new Unsupported('a network without batches')
    const got = await run({
      ...state,
      ...scalarFeeds(options, lr, step),
      x: tensorOf(batch.x),
      t: targetsOf(test.loss, batch.targets),
    })
    check.number(`loss of step ${step}`, test.expect.losses[step - 1] ?? Number.NaN, got['loss'])
    if (step === 1) checkFirstStep(test, check, got)
    advance(state, got)
    for (const [name, expected] of Object.entries(test.expect.weightsAfter[step] ?? {}))
      check.tensor(`${name} after ${step}`, expected, state[name])
  }
}

function checkFirstStep(test: NetworkCase, check: Check, got: Feeds): void {
  check.tensor('logits', test.expect.logits, got['logits'])
  for (const [name, expected] of Object.entries(test.expect.gradients))
    check.tensor(`gradient of ${name}`, expected, got[`d_${name}`])
}

function networkGraph(
  test: NetworkCase,
  options: OptimizerOptions,
): { graph: Graph; state: Record<string, ort.Tensor> } {
  const batch = test.batches[0]
  if (batch === undefined) throw new Unsupported('a network without batches')
  const graph = new Graph()
  const tensors = new Map<string, Value>()
  const state: Record<string, ort.Tensor> = {}
  for (const [name, packed] of Object.entries(test.weights)) {
    tensors.set(name, graph.input(name, 'float32', packed.shape))
    state[name] = tensorOf(packed)
    for (const slot of slotsOf(options).map((key) => `${name}:${key}`)) {
      tensors.set(slot, graph.input(slot, 'float32', packed.shape))
      state[slot] = zerosOf(packed.shape)
    }
  }
  const targets = targetsOf(test.loss, batch.targets)
  const nodes = trainingStep(
    { graph, training: true, target: 'cpu' },
    {
      layers: test.model.map((use, index) => namedLayer(use, index, test.weights)),
      x: graph.input('x', 'float32', batch.x.shape),
      targets: graph.input('t', targets.type as ElementType, targets.dims),
      loss: lossName(test.loss),
      optimizer: options,
      scalars: scalarsOf(graph),
      tensors,
      decays: () => true,
    },
  )
  graph.output('loss', nodes.loss)
  graph.output('logits', nodes.logits)
  for (const [name, value] of nodes.gradients) graph.output(`d_${name}`, value)
  for (const [name, value] of nodes.next) graph.output(`${name}_n`, value)
  return { graph, state }
}

function namedLayer(use: LayerUse, index: number, weights: Packs): NamedLayer {
  const name = use.name ?? `${use.layer}${index}`
  const learns = ['w', 'b'].filter((key) => `${name}.${key}` in weights)
  return { name, layer: layerOf(use), learns }
}

function layerOf({ layer, options = {} }: LayerUse): Layer {
  const makers: Readonly<Record<string, () => Layer>> = {
    conv2d: () => conv2d(options),
    dense,
    maxPool2d: () => maxPool2d({ ...options, size: options['size'] as Pair }),
    avgPool2d: () => avgPool2d({ ...options, size: options['size'] as Pair }),
    globalAvgPool,
    globalMaxPool,
    relu,
    leakyRelu: () => leakyRelu(options['slope'] as number),
    gelu,
    sigmoid,
    tanh,
    softmax,
    batchNormTrain: () => batchNorm(),
    batchNormEval: () => batchNorm(),
    layerNorm: () => layerNorm(),
    flatten,
  }
  const make = makers[layer]
  if (make === undefined) throw new Unsupported(`layer ${layer}`)
  return make()
}

function lossName(name: string): keyof typeof losses {
  if (!(name in losses)) throw new Unsupported(`loss ${name}`)
  return name as keyof typeof losses
}

/** Renames the options; what is unknown is not passed over in silence. */
function optimizerOf(given: Options): { options: OptimizerOptions; lr: number } {
  const { kind, learningRate, betas, ...rest } = given
  const known = new Set(['momentum', 'nesterov', 'weightDecay', 'eps', 'alpha'])
  const unknown = Object.keys(rest).find((key) => !known.has(key))
  if (unknown !== undefined) throw new Unsupported(`optimiser option ${unknown}`)
  if (!['sgd', 'adam', 'adamW', 'rmsProp'].includes(String(kind)))
    throw new Unsupported(`optimiser ${String(kind)}`)
  const [beta1, beta2] = (betas ?? [0.9, 0.999]) as readonly [number, number]
  const adam = kind === 'adam' || kind === 'adamW' ? { beta1, beta2 } : {}
  const decay = kind === 'adamW' ? { weightDecay: 0.01 } : {}
  const options = { kind, ...adam, ...decay, ...rest } as OptimizerOptions
  return { options, lr: learningRate as number }
}

function scalarsOf(graph: Graph): { lr: Value; correction1: Value; correction2: Value } {
  const scalar = (name: string): Value => graph.input(name, 'float32', [])
  return {
    lr: scalar('lr'),
    correction1: scalar('correction1'),
    correction2: scalar('correction2'),
  }
}

type Feeds = Record<string, ort.Tensor>

function scalarFeeds(options: OptimizerOptions, lr: number, step: number): Feeds {
  const [first, second] = correctionsAt(options, step)
  const scalar = (value: number): ort.Tensor => new ort.Tensor('float32', [value], [])
  return { lr: scalar(lr), correction1: scalar(first), correction2: scalar(second) }
}

/** Takes every `<name>_n` as the new `<name>`. */
function advance(state: Feeds, got: Feeds): void {
  for (const name of Object.keys(state)) {
    const next = got[`${name}_n`]
    if (next !== undefined) state[name] = next
  }
}

/** Opens the graph; the function feeds it what it takes of the given tensors. */
async function open(graph: Graph): Promise<(feeds: Feeds) => Promise<Feeds>> {
  const session = await ort.InferenceSession.create(graph.encode(), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  return async (feeds) => {
    const wanted = session.inputNames.flatMap((name) => {
      const tensor = feeds[name]
      return tensor === undefined ? [] : [[name, tensor] as const]
    })
    return session.run(Object.fromEntries(wanted))
  }
}

async function runOnce(graph: Graph, feeds: Feeds): Promise<Feeds> {
  const run = await open(graph)
  return run(feeds)
}

function floatsOf(packed: Packed): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(packed.f32, 'base64'))
  return new Float32Array(bytes.buffer)
}

function tensorOf(packed: Packed): ort.Tensor {
  return new ort.Tensor('float32', floatsOf(packed), packed.shape)
}

function zerosOf(shape: readonly number[]): ort.Tensor {
  const size = shape.reduce((product, dim) => product * dim, 1)
  return new ort.Tensor('float32', new Float32Array(size), shape)
}

function feedsOf(packs: Packs): Feeds {
  return Object.fromEntries(Object.entries(packs).map(([name, packed]) => [name, tensorOf(packed)]))
}

/** Class numbers are int32, everything else float32 of the shape the lists have. */
function targetsOf(loss: string, targets: readonly unknown[]): ort.Tensor {
  const shape: number[] = []
  for (let level: unknown = targets; Array.isArray(level); level = level[0])
    shape.push(level.length)
  const numbers = targets.flat(Infinity) as number[]
  return loss === 'softmaxCrossEntropy' && shape.length === 1
    ? new ort.Tensor('int32', Int32Array.from(numbers), shape)
    : new ort.Tensor('float32', Float32Array.from(numbers), shape)
}

/** Compares within the tolerance of the file. */
class Check {
  readonly #tolerance: Tolerance

  constructor(tolerance: Tolerance) {
    this.#tolerance = tolerance
  }

  number(what: string, expected: number, got: ort.Tensor | undefined): void {
    const value = Number((got?.data as Float32Array | undefined)?.[0])
    if (!this.#close(expected, value)) throw new Mismatch(what, expected, value)
  }

  tensor(what: string, packed: Packed, got: ort.Tensor | undefined): void {
    if (got === undefined) throw new Mismatch(what, `[${packed.shape.join(', ')}]`, 'nothing')
    if (packed.shape.join() !== got.dims.join())
      throw new Mismatch(`shape of ${what}`, packed.shape.join(), got.dims.join())
    const expected = floatsOf(packed)
    const values = got.data as Float32Array
    const wrong = expected.findIndex((value, i) => !this.#close(value, values[i] ?? Number.NaN))
    if (wrong >= 0) throw new Mismatch(`${what}[${wrong}]`, expected[wrong], values[wrong])
  }

  #close(expected: number, got: number): boolean {
    if (Object.is(expected, got)) return true
    const { relative, absolute } = this.#tolerance
    return Math.abs(expected - got) <= absolute + relative * Math.abs(expected)
  }
}
