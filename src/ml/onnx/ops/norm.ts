/** Batch norm and layer norm. */

import { at, sizeOf } from '../graph.ts'
import type { Graph, Value } from '../graph.ts'
import { param } from './layer.ts'
import type { Applied, Context, Layer, Params } from './layer.ts'

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number
  /** Weight of the batch in the running statistics. Default 0.1. */
  readonly momentum?: number
}

/**
 * Per channel (axis 1). `w` scales, `b` shifts; `mean` and `var` are the running statistics: used when not
 * training, and updated when training if they are there.
 */
export function batchNorm(options: BatchNormOptions = {}): Layer {
  const eps = options.eps ?? 1e-5
  return (context, x, params) =>
    context.training
      ? trainedNorm(context, x, params, eps, options.momentum ?? 0.1)
      : fixedNorm(context, x, params, eps)
}

function fixedNorm({ graph }: Context, x: Value, params: Params, eps: number): Applied {
  const [w, b, mean, variance] = ['w', 'b', 'mean', 'var'].map((name) => param(params, name)) as [
    Value,
    Value,
    Value,
    Value,
  ]
  const y = normalised(graph, x, w, b, mean, variance, eps)
  const axes = otherAxes(x)
  return {
    y,
    backward: (dy) => {
      const inverse = inverseDeviation(graph, variance, eps)
      const centred = graph.sub(x, perChannel(graph, x, mean))
      const products = graph.sum(graph.mul(dy, centred), axes)
      return {
        x: graph.mul(dy, perChannel(graph, x, graph.mul(w, inverse))),
        params: { w: graph.mul(products, inverse), b: graph.sum(dy, axes) },
      }
    },
  }
}

function trainedNorm(
  { graph }: Context,
  x: Value,
  params: Params,
  eps: number,
  momentum: number,
): Applied {
  const w = param(params, 'w')
  const axes = otherAxes(x)
  const count = sizeOf(axes.map((axis) => at(x.shape, axis)))
  const mean = graph.mean(x, axes)
  const centred = graph.sub(x, perChannel(graph, x, mean))
  const variance = graph.mean(graph.mul(centred, centred), axes)
  const y = normalised(graph, x, w, param(params, 'b'), mean, variance, eps)
  const running = (name: 'mean' | 'var', value: Value): Record<string, Value> => {
    const old = params[name]
    if (old === undefined) return {}
    return { [name]: graph.add(graph.scale(old, 1 - momentum), graph.scale(value, momentum)) }
  }
  return {
    y,
    updates: {
      ...running('mean', mean),
      ...running('var', graph.scale(variance, count / Math.max(1, count - 1))),
    },
    backward: (dy) => {
      // dx = p * dy + q * x + r per channel; the two maps are BatchNormalization nodes, one pass each.
      const inverse = inverseDeviation(graph, variance, eps)
      const dw = graph.mul(graph.sum(graph.mul(dy, centred), axes), inverse)
      const db = graph.sum(dy, axes)
      const p = graph.mul(w, inverse)
      const q = graph.scale(graph.mul(graph.mul(p, inverse), dw), -1 / count)
      const r = graph.sub(graph.scale(graph.mul(p, db), -1 / count), graph.mul(q, mean))
      const zero = graph.mul(p, graph.scalar(0))
      const dx = graph.add(affine(graph, dy, p, zero), affine(graph, x, q, r))
      return { x: dx, params: { w: dw, b: db } }
    },
  }
}

/** Over the last axis; `w` and `b` have its length. */
export function layerNorm(eps = 1e-5): Layer {
  return ({ graph }, x, params) => {
    const w = param(params, 'w')
    const last = [x.shape.length - 1]
    const rest = x.shape.slice(0, -1).map((_, axis) => axis)
    const centred = graph.sub(x, graph.mean(x, last, true))
    const variance = graph.mean(graph.mul(centred, centred), last, true)
    const inverse = inverseDeviation(graph, variance, eps)
    const unit = graph.mul(centred, inverse)
    return {
      y: graph.add(graph.mul(unit, w), param(params, 'b')),
      backward: (dy) => {
        const dUnit = graph.mul(dy, w)
        const along = graph.mul(unit, graph.mean(graph.mul(dUnit, unit), last, true))
        const dx = graph.sub(graph.sub(dUnit, graph.mean(dUnit, last, true)), along)
        return {
          x: graph.mul(dx, inverse),
          params: { w: graph.sum(graph.mul(dy, unit), rest), b: graph.sum(dy, rest) },
        }
      },
    }
  }
}

function normalised(
  graph: Graph,
  x: Value,
  w: Value,
  b: Value,
  mean: Value,
  variance: Value,
  eps: number,
): Value {
  const inputs = [x, w, b, mean, variance]
  return graph.node('BatchNormalization', inputs, x.shape, { epsilon: { f: eps } })
}

/** `scale * x + shift` per channel, in one pass over memory. */
function affine(graph: Graph, x: Value, scale: Value, shift: Value): Value {
  const channels = at(x.shape, 1)
  const zeros = graph.constant(new Float32Array(channels), [channels])
  const ones = graph.constant(new Float32Array(channels).fill(1), [channels])
  return normalised(graph, x, scale, shift, zeros, ones, 0)
}

function inverseDeviation(graph: Graph, variance: Value, eps: number): Value {
  const deviation = graph.unary('Sqrt', graph.add(variance, graph.scalar(eps)))
  return graph.div(graph.scalar(1), deviation)
}

function perChannel(graph: Graph, x: Value, vector: Value): Value {
  return graph.reshape(vector, [1, at(x.shape, 1), ...x.shape.slice(2).map(() => 1)])
}

function otherAxes(x: Value): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => axis !== 1)
}
