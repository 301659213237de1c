/** Functions of one number, and softmax. */

import type { Graph, Value } from '../graph.ts'
import type { Layer } from './layer.ts'

/** The slope of a function, from its input and output. */
type Slope = (graph: Graph, x: Value, y: Value) => Value

function pointwise(apply: (graph: Graph, x: Value) => Value, slope: Slope): Layer {
  return ({ graph }, x) => {
    const y = apply(graph, x)
    return { y, backward: (dy) => ({ x: graph.mul(dy, slope(graph, x, y)), params: {} }) }
  }
}

/** Slope 0 at zero. */
export function relu(): Layer {
  return pointwise(
    (graph, x) => graph.unary('Relu', x),
    (graph, _, y) => graph.positive(y),
  )
}

/** `slope` is also the gradient at zero. */
export function leakyRelu(slope: number): Layer {
  return pointwise(
    (graph, x) => graph.unary('LeakyRelu', x, { alpha: { f: slope } }),
    (graph, x) => graph.add(graph.scale(graph.positive(x), 1 - slope), graph.scalar(slope)),
  )
}

export function sigmoid(): Layer {
  return pointwise(
    (graph, x) => graph.unary('Sigmoid', x),
    (graph, _, y) => graph.mul(y, graph.sub(graph.scalar(1), y)),
  )
}

export function tanh(): Layer {
  return pointwise(
    (graph, x) => graph.unary('Tanh', x),
    (graph, _, y) => graph.sub(graph.scalar(1), graph.mul(y, y)),
  )
}

/** x * P(N(0, 1) < x), exactly rather than by tanh. */
export function gelu(): Layer {
  return pointwise(
    (graph, x) => graph.mul(x, normalBelow(graph, x)),
    (graph, x) => {
      const bell = graph.unary('Exp', graph.scale(graph.mul(x, x), -0.5))
      const density = graph.scale(bell, 1 / Math.sqrt(2 * Math.PI))
      return graph.add(normalBelow(graph, x), graph.mul(x, density))
    },
  )
}

function normalBelow(graph: Graph, x: Value): Value {
  const erf = graph.unary('Erf', graph.scale(x, Math.SQRT1_2))
  return graph.scale(graph.add(erf, graph.scalar(1)), 0.5)
}

/** Over axis 1. */
export function softmax(): Layer {
  return ({ graph }, x) => {
    const y = graph.unary('Softmax', x, { axis: 1 })
    return {
      y,
      backward: (dy) => {
        const total = graph.sum(graph.mul(dy, y), [1], true)
        return { x: graph.mul(y, graph.sub(dy, total)), params: {} }
      },
    }
  }
}
