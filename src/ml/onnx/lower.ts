/** From a plan to the two models: one that trains, one that answers. */

import { Graph } from './graph.ts'
import type { Value } from './graph.ts'
import { forward, trainingStep } from './network.ts'
import type { Target } from './ops/layer.ts'
import type { Plan } from './plan.ts'

/**
 * Forward, backward and optimizer as one model. Inputs: `x` (bytes, height x width x channel), `y`, `lr`,
 * `correction1`, `correction2` and every tensor. Outputs: `loss`, `correct` and every tensor as `<name>_n`.
 */
export function trainingModel(plan: Plan, target: Target): Uint8Array {
  const graph = new Graph()
  const { batch, optimizer } = plan.spec
  const x = normalised(graph, plan, graph.input('x', 'uint8', [batch, ...plan.spec.input.shape]))
  const y = graph.input('y', 'int32', [batch])
  const scalar = (name: string): Value => graph.input(name, 'float32', [])
  const tensors = new Map<string, Value>()
  for (const { name, shape } of [...plan.parameters, ...plan.slots])
    tensors.set(name, graph.input(name, 'float32', shape))
  const step = trainingStep(
    { graph, training: true, target },
    {
      layers: plan.layers,
      x,
      targets: y,
      loss: 'softmaxCrossEntropy',
      optimizer,
      scalars: {
        lr: scalar('lr'),
        correction1: scalar('correction1'),
        correction2: scalar('correction2'),
      },
      tensors,
      decays: (name) => plan.decaying.has(name),
    },
  )
  graph.output('loss', step.loss)
  graph.output('correct', correctCount(graph, step.logits, y))
  for (const name of tensors.keys()) graph.output(`${name}_n`, step.next.get(name) ?? missing(name))
  return graph.encode()
}

/**
 * The model with its weights inside. Input `x` (bytes, [batch, height, width, channel], any batch), output
 * `probabilities`.
 */
export function inferenceModel(
  plan: Plan,
  weights: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const graph = new Graph()
  const x = normalised(graph, plan, graph.input('x', 'uint8', [-1, ...plan.spec.input.shape]))
  const tensors = new Map(
    plan.parameters.map(({ name, shape }) => [
      name,
      graph.constant(weights.get(name) ?? missing(name), shape, name),
    ]),
  )
  const { y } = forward({ graph, training: false, target: 'cpu' }, plan.layers, x, tensors)
  graph.output('probabilities', graph.unary('Softmax', y, { axis: 1 }))
  return graph.encode(metadata)
}

/** Bytes [n, h, w, c] to centred float32 [n, c, h, w]. */
function normalised(graph: Graph, plan: Plan, bytes: Value): Value {
  const { mean, std } = plan.spec.input
  const shape = [1, mean.length, 1, 1]
  const x = graph.transpose(graph.cast(bytes, 'float32'), [0, 3, 1, 2])
  const centred = graph.sub(x, graph.constant(Float32Array.from(mean), shape))
  return graph.div(centred, graph.constant(Float32Array.from(std), shape))
}

function correctCount(graph: Graph, logits: Value, y: Value): Value {
  const best = graph.node('ArgMax', [logits], y.shape, { axis: 1, keepdims: 0 }, { type: 'int64' })
  const hit = graph.binary('Equal', graph.cast(best, 'int32'), y)
  return graph.sum(graph.cast(hit, 'float32'), [0])
}

function missing(name: string): never {
  throw new RangeError(`no tensor is called ${name}`)
}
