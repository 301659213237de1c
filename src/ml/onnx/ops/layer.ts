/** What every layer is: a function that adds nodes forward and, when asked, backward. */

import type { Graph, Value } from '../graph.ts'

/** Where the graph will run; WebGPU lacks some operators. */
export type Target = 'cpu' | 'webgpu'

export interface Context {
  readonly graph: Graph
  /** Batch norm uses the batch's statistics when true, the running ones when false. */
  readonly training: boolean
  readonly target: Target
}

/** Tensors of a layer by their short names: `w` weight, `b` bias, `mean` and `var` running statistics. */
export type Params = Readonly<Partial<Record<string, Value>>>

export interface Gradients {
  readonly x: Value
  readonly params: Readonly<Record<string, Value>>
}

/** A layer put into the graph. */
export interface Applied {
  readonly y: Value
  /** Adds the nodes that turn the gradient of `y` into those of the input and the parameters. */
  backward(dy: Value): Gradients
  /** New values of tensors that a training step changes other than by gradient. */
  readonly updates?: Readonly<Record<string, Value>>
}

export type Layer = (context: Context, x: Value, params: Params) => Applied

/** A parameter that must be there. */
export function param(params: Params, name: string): Value {
  const value = params[name]
  if (value === undefined) throw new RangeError(`the layer needs a parameter "${name}"`)
  return value
}

/** One number for both directions, or one for height and one for width. */
export type Pair = number | readonly [height: number, width: number]

export function pairOf(value: Pair): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value
}
