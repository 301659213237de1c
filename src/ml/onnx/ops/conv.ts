/** Two-dimensional convolution (NCHW pictures, OIHW kernels), with groups, stride, padding and dilation. */

import { at } from '../graph.ts'
import type { Graph, Value } from '../graph.ts'
import { param } from './layer.ts'
import type { Layer } from './layer.ts'
import { attributesOf, placesOf, windowOf } from './window.ts'
import type { Window, WindowOptions } from './window.ts'

export interface ConvOptions extends WindowOptions {
  /** Channels are split into this many independent convolutions. Default 1. */
  readonly groups?: number
}

/** Weight `w` [out, in / groups, height, width], optional bias `b` [out]. */
export function conv2d(options: ConvOptions = {}): Layer {
  return ({ graph }, x, params) => {
    const w = param(params, 'w')
    const { b } = params
    const size = [at(w.shape, 2), at(w.shape, 3)] as const
    const window = windowOf(x, size, options.stride ?? 1, options)
    const groups = options.groups ?? 1
    const y = graph.node(
      'Conv',
      b === undefined ? [x, w] : [x, w, b],
      [at(x.shape, 0), at(w.shape, 0), ...window.to],
      { ...attributesOf(window), dilations: window.dilation, group: groups },
    )
    return {
      y,
      backward: (dy) => ({
        x: inputGradient(graph, x, w, dy, window, groups),
        params: {
          w: weightGradient(graph, x, w, dy, window, groups),
          ...(b === undefined ? {} : { b: graph.sum(dy, [0, 2, 3]) }),
        },
      }),
    }
  }
}

/**
 * With stride 1 a convolution of `dy` with the flipped kernels, which runtimes do fastest; ConvTranspose
 * for everything else.
 */
function inputGradient(
  graph: Graph,
  x: Value,
  w: Value,
  dy: Value,
  window: Window,
  groups: number,
): Value {
  const { size, stride, padding, dilation, rest } = window
  const pads = [0, 1].map((axis) => at(dilation, axis) * (at(size, axis) - 1) - at(padding, axis))
  const simple = groups === 1 && stride[0] === 1 && stride[1] === 1 && Math.min(...pads) >= 0
  if (!simple)
    return graph.node('ConvTranspose', [dy, w], x.shape, {
      ...attributesOf(window),
      dilations: dilation,
      group: groups,
      output_padding: rest,
    })
  return graph.node('Conv', [dy, flipped(graph, w)], x.shape, {
    kernel_shape: size,
    dilations: dilation,
    pads: [...pads, ...pads],
  })
}

function flipped(graph: Graph, w: Value): Value {
  const swapped = graph.transpose(w, [1, 0, 2, 3])
  if (w.shape[2] === 1 && w.shape[3] === 1) return swapped
  // ONNX ends a backward slice before the smallest number there is, not at -1.
  const bounds = [
    [-1, -1],
    [-1e9, -1e9],
    [2, 3],
    [-1, -1],
  ].map((list) => graph.int64(list))
  return graph.node('Slice', [swapped, ...bounds], swapped.shape)
}

/** Maps of at least this many pixels get one product per picture, smaller ones a single large product. */
const LARGE_MAP = 256

function weightGradient(
  graph: Graph,
  x: Value,
  w: Value,
  dy: Value,
  window: Window,
  groups: number,
): Value {
  const [out, perGroup, height, width] = w.shape
  if (out === undefined || perGroup === undefined || height === undefined || width === undefined)
    throw new RangeError('a kernel has four dimensions')
  const places = height * width
  const map = window.to[0] * window.to[1]
  const product =
    groups > 1
      ? groupedProduct(graph, x, dy, window, groups)
      : map >= LARGE_MAP
        ? batchedProduct(graph, x, dy, window)
        : singleProduct(graph, x, dy, window)
  const split = graph.reshape(product, [out, places, perGroup])
  return graph.reshape(graph.transpose(split, [0, 2, 1]), w.shape)
}

function batchedProduct(graph: Graph, x: Value, dy: Value, window: Window): Value {
  const n = at(x.shape, 0)
  const out = at(dy.shape, 1)
  const map = window.to[0] * window.to[1]
  const columns = graph.concat(placesOf(graph, x, window), 1)
  const depth = at(columns.shape, 1)
  const product = timesTransposed(
    graph,
    graph.reshape(dy, [n, out, map]),
    graph.reshape(columns, [n, depth, map]),
    [n, out, depth],
  )
  return graph.sum(product, [0])
}

function singleProduct(graph: Graph, x: Value, dy: Value, window: Window): Value {
  const length = at(x.shape, 0) * window.to[0] * window.to[1]
  const out = at(dy.shape, 1)
  const columns = graph.concat(placesOf(graph, graph.transpose(x, [1, 0, 2, 3]), window), 0)
  const depth = at(columns.shape, 0)
  const left = graph.reshape(graph.transpose(dy, [1, 0, 2, 3]), [out, length])
  const right = graph.reshape(columns, [depth, length])
  return graph.node('Gemm', [left, right], [out, depth], { transB: 1 })
}

function groupedProduct(graph: Graph, x: Value, dy: Value, window: Window, groups: number): Value {
  const n = at(x.shape, 0)
  const map = window.to[0] * window.to[1]
  const outs = at(dy.shape, 1) / groups
  const ins = at(x.shape, 1) / groups
  const columns = graph.concat(placesOf(graph, x, window), 1)
  const places = window.size[0] * window.size[1]
  const split = graph.reshape(columns, [n, places, groups, ins, map])
  const byGroup = graph.transpose(split, [0, 2, 1, 3, 4])
  const product = timesTransposed(
    graph,
    graph.reshape(dy, [n, groups, outs, map]),
    graph.reshape(byGroup, [n, groups, places * ins, map]),
    [n, groups, outs, places * ins],
  )
  return graph.sum(product, [0])
}

/** `a` times `b` transposed, without writing the transposed matrix. */
function timesTransposed(graph: Graph, a: Value, b: Value, shape: readonly number[]): Value {
  return graph.node('FusedMatMul', [a, b], shape, { transB: 1 }, { domain: 'com.microsoft' })
}
