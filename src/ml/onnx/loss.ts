/** Losses: the mean over the batch and its gradient, from the last layer's output and the targets. */

import { at, sizeOf } from './graph.ts'
import type { Graph, Value } from './graph.ts'

export interface LossNodes {
  /** A scalar. */
  readonly loss: Value
  /** Gradient of the loss by the predictions. */
  readonly gradient: Value
}

export type Loss = (graph: Graph, z: Value, targets: Value) => LossNodes

export const losses = {
  softmaxCrossEntropy,
  sigmoidCrossEntropy,
  meanSquaredError,
  meanAbsoluteError,
  huber,
} satisfies Record<string, Loss>

/** Targets: a class number (int32) per row of `z`, or a distribution (float32) of the shape of `z`. */
function softmaxCrossEntropy(graph: Graph, z: Value, targets: Value): LossNodes {
  const [rows, classes] = [at(z.shape, 0), at(z.shape, 1)]
  const t = targets.type === 'int32' ? oneHot(graph, targets, rows, classes) : targets
  const logs = graph.unary('LogSoftmax', z, { axis: 1 })
  const total = graph.sum(graph.mul(logs, t), [0, 1])
  const mass = graph.sum(t, [1], true)
  const excess = graph.sub(graph.mul(graph.unary('Exp', logs), mass), t)
  return { loss: graph.scale(total, -1 / rows), gradient: graph.scale(excess, 1 / rows) }
}

/** Binary, on logits: targets in 0..1 of the shape of `z`. */
function sigmoidCrossEntropy(graph: Graph, z: Value, t: Value): LossNodes {
  const tail = graph.unary('Exp', graph.unary('Neg', graph.unary('Abs', z)))
  const logs = graph.unary('Log', graph.add(tail, graph.scalar(1)))
  const each = graph.add(graph.sub(graph.unary('Relu', z), graph.mul(z, t)), logs)
  return averaged(graph, each, graph.sub(graph.unary('Sigmoid', z), t))
}

function meanSquaredError(graph: Graph, z: Value, t: Value): LossNodes {
  const error = graph.sub(z, t)
  return averaged(graph, graph.mul(error, error), graph.scale(error, 2))
}

function meanAbsoluteError(graph: Graph, z: Value, t: Value): LossNodes {
  const error = graph.sub(z, t)
  return averaged(graph, graph.unary('Abs', error), graph.unary('Sign', error))
}

/** Squared up to an error of 1, linear beyond. */
function huber(graph: Graph, z: Value, t: Value): LossNodes {
  const error = graph.sub(z, t)
  const size = graph.unary('Abs', error)
  const inner = graph.binary('Min', size, graph.scalar(1))
  const each = graph.mul(inner, graph.sub(size, graph.scale(inner, 0.5)))
  return averaged(graph, each, graph.mul(inner, graph.unary('Sign', error)))
}

function averaged(graph: Graph, each: Value, slope: Value): LossNodes {
  const axes = each.shape.map((_, axis) => axis)
  const share = 1 / sizeOf(each.shape)
  return { loss: graph.scale(graph.sum(each, axes), share), gradient: graph.scale(slope, share) }
}

function oneHot(graph: Graph, classes: Value, rows: number, width: number): Value {
  const numbers = graph.int32(Array.from({ length: width }, (_, i) => i))
  const hit = graph.binary('Equal', graph.reshape(classes, [rows, 1]), numbers)
  return graph.cast(hit, 'float32')
}
