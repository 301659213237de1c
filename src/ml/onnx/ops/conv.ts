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

/**
 * How many pixels of `dy` one product sums over, where several small maps can share it. ONNX Runtime sums more
 * than 128 numbers in blocks whose size depends on how it splits the product over threads, so that longer
 * ones would give other weights with other numbers of threads; a picture on its own is never split.
 */
const SUM_LENGTH = 128

/** Below this many channels, all places of the kernel share one product, or it would be too thin. */
const FEW_CHANNELS = 16

/** Sums, over chunks of pictures, of products of `dy` with what the places of the kernel saw. */
function weightGradient(
  graph: Graph,
  x: Value,
  w: Value,
  dy: Value,
  window: Window,
  groups: number,
): Value {
  const [out, inner] = [at(w.shape, 0), at(w.shape, 1)]
  const [n, channels, map] = [at(x.shape, 0), at(x.shape, 1), window.to[0] * window.to[1]]
  const chunk = chunkOf(n, map)
  const [chunks, length] = [n / chunk, chunk * map]
  const left = graph.reshape(channelsFirst(graph, dy, chunk), [
    chunks,
    groups,
    out / groups,
    length,
  ])
  const seen = placesOf(graph, channelsFirst(graph, x, chunk), window).map((place) =>
    graph.reshape(place, [chunks, groups, channels / groups, length]),
  )
  const join = groups === 1 && inner < FEW_CHANNELS
  const views = join ? [graph.concat(seen, 2)] : seen
  const parts = views.map((view) => {
    const shape = [chunks, groups, out / groups, at(view.shape, 2)]
    const product = graph.node('FusedMatMul', [left, view], shape, { transB: 1 }, MICROSOFT)
    return graph.reshape(graph.sum(product, [0]), [out, join ? seen.length : 1, inner])
  })
  return graph.reshape(graph.transpose(graph.concat(parts, 1), [0, 2, 1]), w.shape)
}

const MICROSOFT = { domain: 'com.microsoft' }

/** The largest number of pictures that divides the batch and whose maps stay within SUM_LENGTH; at least 1. */
function chunkOf(n: number, map: number): number {
  for (let chunk = Math.min(n, Math.floor(SUM_LENGTH / map)); chunk > 1; chunk--)
    if (n % chunk === 0) return chunk
  return 1
}

/** [n, c, h, w] to [n / chunk * c, chunk, h, w]: the same channel of a chunk's pictures side by side. */
function channelsFirst(graph: Graph, x: Value, chunk: number): Value {
  if (chunk === 1) return x
  const [n, c, h, w] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)]
  const split = graph.reshape(x, [n / chunk, chunk, c, h * w])
  return graph.reshape(graph.transpose(split, [0, 2, 1, 3]), [(n / chunk) * c, chunk, h, w])
}
