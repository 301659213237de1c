/** Max and average pools, over windows and over whole maps. */

import { at, sizeOf } from '../graph.ts'
import type { Graph, Value } from '../graph.ts'
import type { Layer, Pair, Target } from './layer.ts'
import { flatten } from './shape.ts'
import { attributesOf, windowOf } from './window.ts'
import type { Window, WindowOptions } from './window.ts'

export interface MaxPoolOptions extends WindowOptions {
  readonly size: Pair
}

export interface AvgPoolOptions {
  readonly size: Pair
  readonly stride?: Pair
  readonly padding?: Pair
  /** Whether the zeros of the padding count as pixels. Default true. */
  readonly countPadding?: boolean
}

/** The gradient goes to the first of the largest pixels of a window. */
export function maxPool2d(options: MaxPoolOptions): Layer {
  return ({ graph, target, training }, x) => {
    const window = windowOf(x, options.size, options.stride ?? options.size, options)
    const shape = [...x.shape.slice(0, 2), ...window.to]
    const attributes = { ...attributesOf(window), dilations: window.dilation }
    if (!training || useArgMax(target, window)) {
      const y = graph.node('MaxPool', [x], shape, attributes)
      return { y, backward: (dy) => ({ x: argMaxGradient(graph, x, dy, window), params: {} }) }
    }
    const [y, indices] = graph.pair('MaxPool', [x], shape, 'int64', attributes)
    return { y, backward: (dy) => ({ x: unpool(graph, x, dy, indices, window), params: {} }) }
  }
}

/** [n, c, h, w] to [n, c]. */
export function globalMaxPool(): Layer {
  return (context, x, params) => {
    const size = [at(x.shape, 2), at(x.shape, 3)] as const
    const pooled = maxPool2d({ size })(context, x, params)
    const flat = flatten()(context, pooled.y, params)
    return { y: flat.y, backward: (dy) => pooled.backward(flat.backward(dy).x) }
  }
}

export function avgPool2d(options: AvgPoolOptions): Layer {
  return ({ graph }, x) => {
    const window = windowOf(x, options.size, options.stride ?? options.size, options)
    const counted = options.countPadding ?? true
    const y = graph.node('AveragePool', [x], [...x.shape.slice(0, 2), ...window.to], {
      ...attributesOf(window),
      count_include_pad: counted ? 1 : 0,
    })
    return {
      y,
      backward: (dy) => {
        const channels = at(x.shape, 1)
        const share = graph.constant(shares(window, counted), [1, 1, ...window.to])
        const ones = new Float32Array(channels * sizeOf(window.size)).fill(1)
        const kernel = graph.constant(ones, [channels, 1, ...window.size])
        const dx = graph.node('ConvTranspose', [graph.mul(dy, share), kernel], x.shape, {
          ...attributesOf(window),
          group: channels,
          output_padding: window.rest,
        })
        return { x: dx, params: {} }
      },
    }
  }
}

/** [n, c, h, w] to [n, c]. */
export function globalAvgPool(): Layer {
  return ({ graph }, x) => {
    const [n, c, h, w] = [0, 1, 2, 3].map((axis) => at(x.shape, axis)) as [
      number,
      number,
      number,
      number,
    ]
    return {
      y: graph.mean(x, [2, 3]),
      backward: (dy) => {
        const share = graph.constant(new Float32Array(h * w).fill(1 / (h * w)), [1, 1, h, w])
        return { x: graph.mul(graph.reshape(dy, [n, c, 1, 1]), share), params: {} }
      },
    }
  }
}

/** WebGPU's MaxPool yields no indices; the way around is for windows that tile the map. */
function useArgMax(target: Target, { size, stride, padding, dilation }: Window): boolean {
  const tiles = [0, 1].every((axis) => stride[axis] === size[axis] && dilation[axis] === 1)
  return target === 'webgpu' && tiles && Math.max(...padding) === 0
}

function disjoint({ size, stride, dilation }: Window): boolean {
  return [0, 1].every((axis) => at(stride, axis) >= at(dilation, axis) * (at(size, axis) - 1) + 1)
}

/** MaxUnpool overwrites where windows share a pixel, so that overlapping ones are added up. */
function unpool(graph: Graph, x: Value, dy: Value, indices: Value, window: Window): Value {
  if (disjoint(window))
    return graph.node(
      'MaxUnpool',
      [dy, indices, graph.int64(x.shape)],
      x.shape,
      attributesOf(window),
    )
  const total = sizeOf(x.shape)
  const zeros = graph.node('Expand', [graph.scalar(0), graph.int64([total])], [total])
  const flat = graph.node(
    'ScatterElements',
    [zeros, graph.reshape(indices, [sizeOf(dy.shape)]), graph.reshape(dy, [sizeOf(dy.shape)])],
    [total],
    { axis: 0, reduction: 'add' },
  )
  return graph.reshape(flat, x.shape)
}

/** Lays each window out as a row, finds the first largest of it, and puts `dy` there. */
function argMaxGradient(graph: Graph, x: Value, dy: Value, window: Window): Value {
  const { size, to, from } = window
  const lead = x.shape.slice(0, 2)
  const used = [to[0] * size[0], to[1] * size[1]] as const
  const places = size[0] * size[1]
  const cut = [[0, 0], used, [2, 3]].map((list) => graph.int64(list))
  const cropped = graph.node('Slice', [x, ...cut], [...lead, ...used])
  const split = graph.reshape(cropped, [...lead, to[0], size[0], to[1], size[1]])
  const rows = graph.reshape(graph.transpose(split, [0, 1, 2, 4, 3, 5]), [...lead, ...to, places])
  const best = graph.node('ArgMax', [rows], [...lead, ...to, 1], { axis: 4 }, { type: 'int64' })
  const numbers = graph.int32(Array.from({ length: places }, (_, i) => i))
  const hit = graph.binary('Equal', graph.cast(best, 'int32'), numbers)
  const spread = graph.node(
    'Where',
    [hit, graph.reshape(dy, [...lead, ...to, 1]), graph.scalar(0)],
    rows.shape,
  )
  const back = graph.reshape(spread, [...lead, ...to, ...size])
  const placed = graph.reshape(graph.transpose(back, [0, 1, 2, 4, 3, 5]), [...lead, ...used])
  if (used[0] === from[0] && used[1] === from[1]) return placed
  const pads = [0, 0, 0, 0, 0, 0, from[0] - used[0], from[1] - used[1]]
  return graph.node('Pad', [placed, graph.int64(pads)], x.shape)
}

/** One over the number of pixels in each window. */
function shares({ size, stride, padding, from, to }: Window, counted: boolean): Float32Array {
  const inside = (axis: 0 | 1, position: number): number => {
    const start = position * stride[axis] - padding[axis]
    return counted ? size[axis] : Math.min(start + size[axis], from[axis]) - Math.max(start, 0)
  }
  const out = new Float32Array(to[0] * to[1])
  for (let y = 0; y < to[0]; y++)
    for (let x = 0; x < to[1]; x++) out[y * to[1] + x] = 1 / (inside(0, y) * inside(1, x))
  return out
}
