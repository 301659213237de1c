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

/** Below this many channels, all places of the kernel share one product, or it would be too thin. */
const FEW_CHANNELS = 16

/** Products of `dy` with what the places of the kernel saw. */
function weightGradient(
  graph: Graph,
  x: Value,
  w: Value,
  dy: Value,
  window: Window,
  groups: number,
): Value {
  const [out, inner] = [at(w.shape, 0), at(w.shape, 1)]
  const single = groups === 1 && window.to[0] * window.to[1] < LARGE_MAP
  const seen = placesOf(graph, single ? graph.transpose(x, [1, 0, 2, 3]) : x, window)
  const join = groups === 1 && inner < FEW_CHANNELS
  const views = join ? [graph.concat(seen, single ? 0 : 1)] : seen
  const product = single ? overAll(graph, dy) : perPicture(graph, dy, groups)
  const parts = views.map((view) =>
    graph.reshape(product(view), [out, join ? seen.length : 1, inner]),
  )
  return graph.reshape(graph.transpose(graph.concat(parts, 1), [0, 2, 1]), w.shape)
}

/** [n, channels, map] of each group, pictures added up at the end. */
function perPicture(graph: Graph, dy: Value, groups: number): (view: Value) => Value {
  const [n, out, height, width] = dims(dy)
  const split = (x: Value): Value =>
    graph.reshape(x, [n, groups, at(x.shape, 1) / groups, height * width])
  const left = split(dy)
  return (view) => {
    const right = split(view)
    const shape = [n, groups, out / groups, at(right.shape, 2)]
    const product = graph.node('FusedMatMul', [left, right], shape, { transB: 1 }, MICROSOFT)
    return graph.sum(product, [0])
  }
}

const MICROSOFT = { domain: 'com.microsoft' }

/** [channels, pictures x map] in one product; views have their channels first. */
function overAll(graph: Graph, dy: Value): (view: Value) => Value {
  const [n, out, height, width] = dims(dy)
  const length = n * height * width
  const left = graph.reshape(graph.transpose(dy, [1, 0, 2, 3]), [out, length])
  return (view) => {
    const right = graph.reshape(view, [at(view.shape, 0), length])
    return graph.node('Gemm', [left, right], [out, at(view.shape, 0)], { transB: 1 })
  }
}

function dims({ shape }: Value): [number, number, number, number] {
  return [at(shape, 0), at(shape, 1), at(shape, 2), at(shape, 3)]
}
