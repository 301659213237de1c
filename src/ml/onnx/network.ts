/** Layers in a row, forward and backward, and the training step around them. */

import { losses } from './loss.ts'
import type { Loss } from './loss.ts'
import { moveWeight, slotsOf } from './optimizer.ts'
import type { OptimizerOptions, StepScalars } from './optimizer.ts'
import type { Graph, Value } from './graph.ts'
import type { Applied, Context, Layer, Params } from './ops/layer.ts'

/** A layer with the names of its tensors: `w` of the layer `conv1` is `conv1.w` in the graph. */
export interface NamedLayer {
  readonly name: string
  readonly layer: Layer
  /** Short names: those that learn, and those that a step updates in other ways. */
  readonly learns: readonly string[]
  readonly keeps?: readonly string[]
}

/** Tensors by their full names. */
export type Tensors = ReadonlyMap<string, Value>

export interface Forward {
  readonly y: Value
  readonly updates: Tensors
  /** Gradients of all that learns, from the gradient of `y`. */
  backward(dy: Value): Tensors
}

export function forward(
  context: Context,
  layers: readonly NamedLayer[],
  x: Value,
  tensors: Tensors,
): Forward {
  const applied: { readonly name: string; readonly step: Applied }[] = []
  const updates = new Map<string, Value>()
  let y = x
  for (const { name, layer, learns, keeps = [] } of layers) {
    const step = layer(context, y, paramsOf(name, [...learns, ...keeps], tensors))
    for (const [key, value] of Object.entries(step.updates ?? {}))
      updates.set(`${name}.${key}`, value)
    applied.push({ name, step })
    y = step.y
  }
  return {
    y,
    updates,
    backward: (dy) => {
      const gradients = new Map<string, Value>()
      let back = dy
      for (const { name, step } of applied.toReversed()) {
        const { x: dx, params } = step.backward(back)
        for (const [key, value] of Object.entries(params)) gradients.set(`${name}.${key}`, value)
        back = dx
      }
      return gradients
    },
  }
}

function paramsOf(name: string, keys: readonly string[], tensors: Tensors): Params {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = tensors.get(`${name}.${key}`)
      return value === undefined ? [] : [[key, value]]
    }),
  )
}

export interface StepParts {
  readonly layers: readonly NamedLayer[]
  readonly x: Value
  readonly targets: Value
  readonly loss: keyof typeof losses
  readonly optimizer: OptimizerOptions
  readonly scalars: StepScalars
  /** Every tensor of the layers, and the optimizer's as `<weight>:<slot>`. */
  readonly tensors: Tensors
  /** Whether the weight of this name decays, where the optimizer says so. */
  readonly decays: (name: string) => boolean
}

export interface StepNodes {
  readonly logits: Value
  readonly loss: Value
  readonly gradients: Tensors
  /** New value of everything in `tensors`. */
  readonly next: Tensors
}

/** One step of gradient descent as nodes. */
export function trainingStep(context: Context, parts: StepParts): StepNodes {
  const { graph } = context
  const pass = forward(context, parts.layers, parts.x, parts.tensors)
  const measure: Loss = losses[parts.loss]
  const { loss, gradient } = measure(graph, pass.y, parts.targets)
  const gradients = pass.backward(gradient)
  const next = new Map(pass.updates)
  for (const [name, value] of gradients) {
    const { weight, slots } = moved(graph, parts, name, value)
    next.set(name, weight)
    for (const [slot, state] of Object.entries(slots)) next.set(`${name}:${slot}`, state)
  }
  return { logits: pass.y, loss, gradients, next }
}

function moved(
  graph: Graph,
  parts: StepParts,
  name: string,
  gradient: Value,
): ReturnType<typeof moveWeight> {
  const { optimizer, tensors, scalars } = parts
  const weight = tensors.get(name)
  if (weight === undefined) throw new RangeError(`no weight is called ${name}`)
  const slots = Object.fromEntries(
    slotsOf(optimizer).map((slot) => [slot, tensors.get(`${name}:${slot}`)]),
  ) as Record<string, Value>
  const options = parts.decays(name) ? optimizer : { ...optimizer, weightDecay: 0 }
  return moveWeight(graph, options, { weight, gradient, slots }, scalars)
}
