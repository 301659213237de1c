/** How a weight moves by its gradient: nodes for one step, and the state that goes round with it. */

import type { Graph, Value } from './graph.ts'

export interface SgdOptions {
  readonly kind: 'sgd'
  readonly momentum?: number
  readonly nesterov?: boolean
  readonly weightDecay?: number
}

/** `adamW` shrinks the weight itself; `adam` adds the decay to the gradient. */
export interface AdamOptions {
  readonly kind: 'adam' | 'adamW'
  readonly beta1?: number
  readonly beta2?: number
  readonly eps?: number
  readonly weightDecay?: number
}

export interface RmsPropOptions {
  readonly kind: 'rmsProp'
  readonly alpha?: number
  readonly eps?: number
  readonly momentum?: number
  readonly weightDecay?: number
}

export type OptimizerOptions = SgdOptions | AdamOptions | RmsPropOptions

/** Scalars that change from step to step. */
export interface StepScalars {
  readonly lr: Value
  /** Adam's `1 / (1 - beta1 ** step)` and `1 / (1 - beta2 ** step)`. */
  readonly correction1: Value
  readonly correction2: Value
}

/** One weight's step. */
export interface Move {
  readonly weight: Value
  readonly gradient: Value
  readonly slots: Readonly<Partial<Record<string, Value>>>
}

export interface Moved {
  readonly weight: Value
  readonly slots: Readonly<Record<string, Value>>
}

/** Names of the tensors (of the weight's shape, zero at first) an optimizer keeps per weight. */
export function slotsOf(options: OptimizerOptions): readonly string[] {
  switch (options.kind) {
    case 'sgd':
      return options.momentum ? ['momentum'] : []
    case 'rmsProp':
      return options.momentum ? ['square', 'momentum'] : ['square']
    default:
      return ['mean', 'square']
  }
}

/** The corrections to feed at `step` (from 1). */
export function correctionsAt(options: OptimizerOptions, step: number): [number, number] {
  if (options.kind !== 'adam' && options.kind !== 'adamW') return [1, 1]
  const { beta1 = 0.9, beta2 = 0.999 } = options
  return [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]
}

export function moveWeight(
  graph: Graph,
  options: OptimizerOptions,
  move: Move,
  scalars: StepScalars,
): Moved {
  switch (options.kind) {
    case 'sgd':
      return sgd(graph, options, move, scalars)
    case 'rmsProp':
      return rmsProp(graph, options, move, scalars)
    default:
      return adam(graph, options, move, scalars)
  }
}

function sgd(g: Graph, options: SgdOptions, move: Move, { lr }: StepScalars): Moved {
  const gradient = decayed(g, move, options.weightDecay)
  if (!options.momentum) return { weight: g.sub(move.weight, g.mul(gradient, lr)), slots: {} }
  const momentum = g.add(g.scale(slot(move, 'momentum'), options.momentum), gradient)
  const ahead = options.nesterov ? g.add(gradient, g.scale(momentum, options.momentum)) : momentum
  return { weight: g.sub(move.weight, g.mul(ahead, lr)), slots: { momentum } }
}

function adam(
  g: Graph,
  options: AdamOptions,
  move: Move,
  { lr, correction1, correction2 }: StepScalars,
): Moved {
  const { kind, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0 } = options
  const gradient = kind === 'adam' ? decayed(g, move, weightDecay) : move.gradient
  const mean = blend(g, slot(move, 'mean'), gradient, beta1)
  const square = blend(g, slot(move, 'square'), g.mul(gradient, gradient), beta2)
  const spread = g.add(g.unary('Sqrt', g.mul(square, correction2)), g.scalar(eps))
  const step = g.div(g.mul(mean, g.mul(lr, correction1)), spread)
  const shrink = g.sub(g.scalar(1), g.scale(lr, weightDecay))
  const from = kind === 'adamW' && weightDecay ? g.mul(move.weight, shrink) : move.weight
  return { weight: g.sub(from, step), slots: { mean, square } }
}

function rmsProp(g: Graph, options: RmsPropOptions, move: Move, { lr }: StepScalars): Moved {
  const { alpha = 0.99, eps = 1e-8, momentum: carry = 0, weightDecay } = options
  const gradient = decayed(g, move, weightDecay)
  const square = blend(g, slot(move, 'square'), g.mul(gradient, gradient), alpha)
  const step = g.div(gradient, g.add(g.unary('Sqrt', square), g.scalar(eps)))
  if (!carry) return { weight: g.sub(move.weight, g.mul(step, lr)), slots: { square } }
  const momentum = g.add(g.scale(slot(move, 'momentum'), carry), step)
  return { weight: g.sub(move.weight, g.mul(momentum, lr)), slots: { square, momentum } }
}

function decayed(graph: Graph, move: Move, decay: number | undefined): Value {
  return decay ? graph.add(move.gradient, graph.scale(move.weight, decay)) : move.gradient
}

function blend(graph: Graph, old: Value, now: Value, keep: number): Value {
  return graph.add(graph.scale(old, keep), graph.scale(now, 1 - keep))
}

function slot(move: Move, name: string): Value {
  const value = move.slots[name]
  if (value === undefined) throw new RangeError(`the optimizer needs its state "${name}"`)
  return value
}
