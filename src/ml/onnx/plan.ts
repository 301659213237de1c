/** A ModelSpec made ready: checked, with the shape of every tensor and the layers that use them. */

import { createCipheriv, createHash } from 'node:crypto'
import { InvalidArgumentError } from '../../errors/index.ts'
import type { LayerSpec, ModelSpec } from '../trainer.ts'
import { sizeOf } from './graph.ts'
import type { NamedLayer } from './network.ts'
import { relu } from './ops/activation.ts'
import { conv2d } from './ops/conv.ts'
import { dense } from './ops/dense.ts'
import { batchNorm } from './ops/norm.ts'
import { globalAvgPool, globalMaxPool, maxPool2d } from './ops/pool.ts'
import { flatten } from './ops/shape.ts'
import { slotsOf } from './optimizer.ts'

/** A tensor of the model or its optimizer, and how it starts. */
export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
  /** Standard deviation of normal numbers around 0, or one value for all. */
  readonly init: { readonly deviation: number } | { readonly value: number }
}

export interface Plan {
  readonly spec: ModelSpec
  readonly layers: readonly NamedLayer[]
  /** Weights, biases and batch norm's statistics: what inference needs. */
  readonly parameters: readonly Parameter[]
  /** The optimizer's tensors. */
  readonly slots: readonly Parameter[]
  /** Names of the weights that decay. */
  readonly decaying: ReadonlySet<string>
}

/** What a layer does to a shape (without the batch), and what it needs. */
interface Step {
  readonly layer: NamedLayer
  readonly shape: readonly number[]
  readonly parameters: readonly Parameter[]
}

/**
 * @throws InvalidArgumentError when the layers do not fit each other, the input or the classes.
 */
export function planModel(spec: ModelSpec): Plan {
  checkSpec(spec)
  const [h, w, c] = spec.input.shape
  let shape: readonly number[] = [c, h, w]
  const steps: Step[] = []
  for (const [index, layer] of spec.layers.entries()) {
    const where = `layer ${index} (${layer.op})`
    const step = planLayer(layer, `${layer.op}${index}`, shape, where)
    steps.push(step)
    shape = step.shape
  }
  if (shape.length !== 1 || shape[0] !== spec.classes.length)
    throw new InvalidArgumentError(
      `The network ends with [${shape.join(', ')}] numbers per photo and there are ` +
        `${spec.classes.length} classes: end it with { op: 'dense', units: ${spec.classes.length} }.`,
    )
  const parameters = steps.flatMap((step) => step.parameters)
  const learning = new Set(
    steps.flatMap(({ layer }) => layer.learns.map((key) => `${layer.name}.${key}`)),
  )
  const slots = parameters
    .filter((parameter) => learning.has(parameter.name))
    .flatMap(({ name, shape: size }) =>
      slotsOf(spec.optimizer).map((slot) => zeros(`${name}:${slot}`, size)),
    )
  const decaying = parameters.filter((parameter) => 'deviation' in parameter.init)
  return {
    spec,
    layers: steps.map((step) => step.layer),
    parameters,
    slots,
    decaying: new Set(decaying.map((parameter) => parameter.name)),
  }
}

function planLayer(spec: LayerSpec, name: string, shape: readonly number[], where: string): Step {
  switch (spec.op) {
    case 'conv':
      return planConv(spec, name, spatial(shape, where), where)
    case 'dense':
      return planDense(spec.units, name, shape, where)
    case 'batchNorm':
      return planNorm(name, shape)
    case 'relu':
      return plain(name, relu(), shape)
    case 'flatten':
      return plain(name, flatten(), [sizeOf(shape)])
    case 'maxPool': {
      const [c, h, w] = spatial(shape, where)
      if (h < 2 || w < 2)
        throw new InvalidArgumentError(`${where} halves a map of ${h}x${w}: it is too small.`)
      return plain(name, maxPool2d({ size: 2 }), [c, Math.floor(h / 2), Math.floor(w / 2)])
    }
    case 'globalMaxPool':
      return plain(name, globalMaxPool(), spatial(shape, where).slice(0, 1))
    case 'globalAvgPool':
      return plain(name, globalAvgPool(), spatial(shape, where).slice(0, 1))
    default: {
      const unknown: { readonly op: string } = spec
      throw new InvalidArgumentError(`${where}: there is no layer called ${unknown.op}.`)
    }
  }
}

function planConv(
  spec: Extract<LayerSpec, { op: 'conv' }>,
  name: string,
  [c, h, w]: readonly [number, number, number],
  where: string,
): Step {
  const { filters, kernel = 3, stride = 1, bias = true } = spec
  whole(`${where}: filters`, filters)
  whole(`${where}: stride`, stride)
  if (![1, 3, 5].includes(kernel))
    throw new InvalidArgumentError(`${where}: kernel is ${kernel}; it can be 1, 3 or 5.`)
  const layer = conv2d({ stride, padding: (kernel - 1) / 2 })
  const deviation = Math.sqrt(2 / (c * kernel * kernel))
  const weight = { name: `${name}.w`, shape: [filters, c, kernel, kernel], init: { deviation } }
  return {
    layer: { name, layer, learns: bias ? ['w', 'b'] : ['w'] },
    shape: [filters, Math.ceil(h / stride), Math.ceil(w / stride)],
    parameters: [weight, ...(bias ? [zeros(`${name}.b`, [filters])] : [])],
  }
}

function planDense(units: number, name: string, shape: readonly number[], where: string): Step {
  whole(`${where}: units`, units)
  const [inner] = shape
  if (inner === undefined || shape.length !== 1)
    throw new InvalidArgumentError(
      `${where} gets a map of [${shape.join(', ')}]: put { op: 'flatten' } or a global pool before it.`,
    )
  const init = { deviation: Math.sqrt(1 / inner) }
  return {
    layer: { name, layer: dense(), learns: ['w', 'b'] },
    shape: [units],
    parameters: [{ name: `${name}.w`, shape: [units, inner], init }, zeros(`${name}.b`, [units])],
  }
}

function planNorm(name: string, shape: readonly number[]): Step {
  const size = shape.slice(0, 1)
  const ones = (key: string): Parameter => ({
    name: `${name}.${key}`,
    shape: size,
    init: { value: 1 },
  })
  return {
    layer: { name, layer: batchNorm(), learns: ['w', 'b'], keeps: ['mean', 'var'] },
    shape,
    parameters: [ones('w'), zeros(`${name}.b`, size), zeros(`${name}.mean`, size), ones('var')],
  }
}

function plain(name: string, layer: NamedLayer['layer'], shape: readonly number[]): Step {
  return { layer: { name, layer, learns: [] }, shape, parameters: [] }
}

function zeros(name: string, shape: readonly number[]): Parameter {
  return { name, shape, init: { value: 0 } }
}

function spatial(shape: readonly number[], where: string): readonly [number, number, number] {
  const [c, h, w] = shape
  if (c === undefined || h === undefined || w === undefined)
    throw new InvalidArgumentError(`${where} needs a map, and gets ${shape[0]} numbers per photo.`)
  return [c, h, w]
}

function checkSpec(spec: ModelSpec): void {
  const [h, w, c] = spec.input.shape
  for (const [name, value] of Object.entries({ h, w, c, batch: spec.batch })) whole(name, value)
  if (!Number.isSafeInteger(spec.seed))
    throw new InvalidArgumentError(`seed is ${spec.seed}; it must be a whole number.`)
  if (spec.threads !== undefined) whole('threads', spec.threads)
  if (spec.input.mean.length !== c || spec.input.std.length !== c)
    throw new InvalidArgumentError(
      `input.mean and input.std must have ${c} numbers, one per channel.`,
    )
  if (!spec.input.std.every((value) => value > 0))
    throw new InvalidArgumentError('input.std must be above 0.')
  if (spec.classes.length < 2)
    throw new InvalidArgumentError('A classifier needs 2 classes or more.')
}

function whole(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError(`${name} is ${value}; it must be a whole number from 1.`)
}

/** First contents of a tensor; they depend on the seed and its name only. */
export function initialValues(parameter: Parameter, seed: number): Float32Array {
  const size = sizeOf(parameter.shape)
  if ('value' in parameter.init) return new Float32Array(size).fill(parameter.init.value)
  const { deviation } = parameter.init
  const uniform = uniforms(`${seed} ${parameter.name}`, 2 * size)
  return Float32Array.from({ length: size }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(uniform[2 * i] ?? 1))
    return deviation * radius * Math.cos(2 * Math.PI * (uniform[2 * i + 1] ?? 0))
  })
}

/** Numbers in (0, 1): the key stream of a cipher, which is the same everywhere. */
function uniforms(key: string, count: number): Float64Array {
  const secret = createHash('sha256').update(key).digest().subarray(0, 16)
  const bytes = createCipheriv('aes-128-ctr', secret, Buffer.alloc(16)).update(
    Buffer.alloc(4 * count),
  )
  return Float64Array.from({ length: count }, (_, i) => (bytes.readUInt32LE(4 * i) + 0.5) / 2 ** 32)
}
