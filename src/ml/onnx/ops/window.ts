/** The geometry that convolutions and pools share. */

import { at } from '../graph.ts'
import type { Graph, Value } from '../graph.ts'
import { pairOf } from './layer.ts'
import type { Pair } from './layer.ts'

export interface WindowOptions {
  /** Default 1 for convolutions, the window's size for pools. */
  readonly stride?: Pair
  /** Zeros (for max pools: nothing) around the picture. Default 0. */
  readonly padding?: Pair
  /** Distance between neighbours in the window. Default 1. */
  readonly dilation?: Pair
}

export interface Window {
  readonly size: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly dilation: readonly [number, number]
  /** Height and width before and after. */
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  /** Rows and columns at the end that no window covers. */
  readonly rest: readonly [number, number]
}

export function windowOf(x: Value, size: Pair, stride: Pair, options: WindowOptions): Window {
  const both = <T>(make: (axis: 0 | 1) => T): readonly [T, T] => [make(0), make(1)]
  const parts = {
    size: pairOf(size),
    stride: pairOf(stride),
    padding: pairOf(options.padding ?? 0),
    dilation: pairOf(options.dilation ?? 1),
    from: both((axis) => at(x.shape, axis + 2)),
  }
  const room = both((axis) => {
    const reach = parts.dilation[axis] * (parts.size[axis] - 1) + 1
    return parts.from[axis] + 2 * parts.padding[axis] - reach
  })
  if (room[0] < 0 || room[1] < 0)
    throw new RangeError(`a window of ${parts.size.join('x')} does not fit ${parts.from.join('x')}`)
  const to = both((axis) => Math.floor(room[axis] / parts.stride[axis]) + 1)
  return { ...parts, to, rest: both((axis) => room[axis] % parts.stride[axis]) }
}

/** The window as attributes of Conv, MaxPool, AveragePool or ConvTranspose. */
export function attributesOf(window: Window): {
  kernel_shape: readonly number[]
  strides: readonly number[]
  pads: readonly number[]
} {
  return {
    kernel_shape: window.size,
    strides: window.stride,
    pads: [...window.padding, ...window.padding],
  }
}

/**
 * One tensor per place in the window: what that place sees at every position of the output. `x` is
 * zero-padded; the first two axes stay as they are.
 */
export function placesOf(graph: Graph, x: Value, window: Window): Value[] {
  const { size, stride, dilation, to } = window
  const padded = padded2d(graph, x, window)
  const lead = x.shape.slice(0, 2)
  const out: Value[] = []
  for (let ky = 0; ky < size[0]; ky++)
    for (let kx = 0; kx < size[1]; kx++) {
      const start = [ky * dilation[0], kx * dilation[1]] as const
      const end = [start[0] + (to[0] - 1) * stride[0] + 1, start[1] + (to[1] - 1) * stride[1] + 1]
      const bounds = [start, end, [2, 3], stride].map((list) => graph.int64(list))
      out.push(graph.node('Slice', [padded, ...bounds], [...lead, ...to]))
    }
  return out
}

function padded2d(graph: Graph, x: Value, { padding: [py, px] }: Window): Value {
  if (py === 0 && px === 0) return x
  const [n, c, h, w] = [0, 1, 2, 3].map((axis) => at(x.shape, axis))
  const shape = [n ?? 0, c ?? 0, (h ?? 0) + 2 * py, (w ?? 0) + 2 * px]
  return graph.node('Pad', [x, graph.int64([0, 0, py, px, 0, 0, py, px])], shape)
}
