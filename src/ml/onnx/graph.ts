/**
 * Builds an ONNX model node by node. Shapes are inferred as nodes are added, so that layers can ask for
 * them; -1 stands for a batch size known only at run time. Nodes no output needs are left out.
 */

import { encodeModel } from './model-file.ts'

export type ElementType = 'float32' | 'uint8' | 'int32' | 'int64' | 'bool'

/** A tensor in the graph under construction. */
export interface Value {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
}

/** A tensor with its contents. */
export interface Constant extends Value {
  readonly data: Float32Array | BigInt64Array | Int32Array
}

/** `f` marks a float, because 1 and 1.0 are the same number in JavaScript. */
export type Attribute = number | string | readonly number[] | { readonly f: number }

export interface GraphNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly domain: string
}

/** What a node yields when it isn't one float32 tensor. */
export interface NodeOptions {
  readonly type?: ElementType
  readonly domain?: string
}

export class Graph {
  readonly #inputs: Value[] = []
  readonly #outputs: { readonly name: string; readonly value: Value }[] = []
  readonly #constants = new Map<string, Constant>()
  readonly #nodes: GraphNode[] = []
  #names = 0

  input(name: string, type: ElementType, shape: readonly number[]): Value {
    const value = { name, type, shape }
    this.#inputs.push(value)
    return value
  }

  output(name: string, value: Value): void {
    const renamed = { name, type: value.type, shape: value.shape }
    this.#nodes.push(nodeOf('Identity', [value], [renamed]))
    this.#outputs.push({ name, value: renamed })
  }

  /** A float32 tensor stored in the model. Named ones keep their name in the file. */
  constant(data: Float32Array, shape: readonly number[], name?: string): Value {
    return this.#store({ name: name ?? this.#fresh('c'), type: 'float32', shape, data })
  }

  scalar(value: number): Value {
    return this.#shared(`f${value}`, 'float32', [], Float32Array.of(value))
  }

  int64(values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt)
    return this.#shared(`i${values.join('_')}`, 'int64', [values.length], data)
  }

  int32(values: readonly number[]): Value {
    const data = Int32Array.from(values)
    return this.#shared(`w${values.join('_')}`, 'int32', [values.length], data)
  }

  /** Adds a node with one output of the given shape. */
  node(
    op: string,
    inputs: readonly Value[],
    shape: readonly number[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value {
    const out = { name: this.#fresh(op), type: options.type ?? 'float32', shape }
    this.#nodes.push(nodeOf(op, inputs, [out], attributes, options.domain))
    return out
  }

  /** Adds a node with a second output of another type, such as MaxPool's indices. */
  pair(
    op: string,
    inputs: readonly Value[],
    shape: readonly number[],
    secondType: ElementType,
    attributes: Readonly<Record<string, Attribute>>,
  ): readonly [Value, Value] {
    const first: Value = { name: this.#fresh(op), type: 'float32', shape }
    const second: Value = { name: this.#fresh(op), type: secondType, shape }
    this.#nodes.push(nodeOf(op, inputs, [first, second], attributes))
    return [first, second]
  }

  unary(op: string, x: Value, attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.node(op, [x], x.shape, attributes, { type: x.type })
  }

  binary(op: string, a: Value, b: Value): Value {
    const type = op === 'Greater' || op === 'Equal' || op === 'Less' ? 'bool' : a.type
    return this.node(op, [a, b], broadcast(a.shape, b.shape), {}, { type })
  }

  add(a: Value, b: Value): Value {
    return this.binary('Add', a, b)
  }

  sub(a: Value, b: Value): Value {
    return this.binary('Sub', a, b)
  }

  mul(a: Value, b: Value): Value {
    return this.binary('Mul', a, b)
  }

  div(a: Value, b: Value): Value {
    return this.binary('Div', a, b)
  }

  /** `x` times a number. */
  scale(x: Value, by: number): Value {
    return this.mul(x, this.scalar(by))
  }

  /** 1.0 where `x` is above zero, 0.0 elsewhere. */
  positive(x: Value): Value {
    return this.cast(this.binary('Greater', x, this.scalar(0)), 'float32')
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.node('Reshape', [x, this.int64(shape)], shape, {}, { type: x.type })
  }

  transpose(x: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => at(x.shape, axis))
    return this.node('Transpose', [x], shape, { perm }, { type: x.type })
  }

  cast(x: Value, type: ElementType): Value {
    return this.node('Cast', [x], x.shape, { to: typeCode[type] }, { type })
  }

  sum(x: Value, axes: readonly number[], keep = false): Value {
    const shape = reduced(x.shape, axes, keep)
    return this.node('ReduceSum', [x, this.int64(axes)], shape, { keepdims: keep ? 1 : 0 })
  }

  mean(x: Value, axes: readonly number[], keep = false): Value {
    const attributes = { axes, keepdims: keep ? 1 : 0 }
    return this.node('ReduceMean', [x], reduced(x.shape, axes, keep), attributes)
  }

  concat(parts: readonly Value[], axis: number): Value {
    const first = parts[0]
    if (first === undefined) throw new RangeError('nothing to concatenate')
    if (parts.length === 1) return first
    const shape = [...first.shape]
    shape[axis] = parts.reduce((sum, part) => sum + at(part.shape, axis), 0)
    return this.node('Concat', parts, shape, { axis }, { type: first.type })
  }

  /** The model as bytes of an `.onnx` file. */
  encode(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    const { nodes, needed } = this.#live()
    return encodeModel({
      nodes,
      inputs: this.#inputs.filter((value) => needed.has(value.name)),
      outputs: this.#outputs.map((output) => output.value),
      constants: [...this.#constants.values()].filter((constant) => needed.has(constant.name)),
      metadata,
    })
  }

  /** Nodes some output depends on, and the names of everything they read. */
  #live(): { nodes: GraphNode[]; needed: Set<string> } {
    const needed = new Set(this.#outputs.map((output) => output.name))
    const nodes: GraphNode[] = []
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((name) => needed.has(name))) continue
      nodes.push(node)
      for (const name of node.inputs) needed.add(name)
    }
    return { nodes: nodes.reverse(), needed }
  }

  #shared(key: string, type: ElementType, shape: number[], data: Constant['data']): Value {
    const name = `const_${key}`
    return this.#constants.get(name) ?? this.#store({ name, type, shape, data })
  }

  #store(constant: Constant): Value {
    this.#constants.set(constant.name, constant)
    return constant
  }

  #fresh(op: string): string {
    return `${op}_${this.#names++}`
  }
}

/** ONNX's numbers for element types. */
export const typeCode: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
}

/** `list[index]`, which must exist. */
export function at(list: readonly number[], index: number): number {
  const value = list[index]
  if (value === undefined) throw new RangeError(`no dimension ${index} in [${list.join(', ')}]`)
  return value
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

function nodeOf(
  op: string,
  inputs: readonly Value[],
  outputs: readonly Value[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): GraphNode {
  const names = (values: readonly Value[]): string[] => values.map((value) => value.name)
  return { op, inputs: names(inputs), outputs: names(outputs), attributes, domain }
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1
    const right = b[i - rank + b.length] ?? 1
    if (left !== right && left !== 1 && right !== 1)
      throw new RangeError(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not fit`)
    return left === 1 ? right : left
  })
}

function reduced(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  const hit = (axis: number): boolean => axes.includes(axis) || axes.includes(axis - shape.length)
  if (keep) return shape.map((dim, axis) => (hit(axis) ? 1 : dim))
  return shape.filter((_, axis) => !hit(axis))
}
