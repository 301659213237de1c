import { specOf } from '../../operators/table.ts'
import type { PlanNode } from '../../plan/node.ts'
import { type Bytes, type Cardinality, type OperatorSpec, sameBytes } from '../../stream/spec.ts'
import type { Traits } from '../../stream/traits.ts'
import { type Item, outline } from './outline.ts'

/** What a run found out about the output of a node. */
export interface Measured {
  /** Undefined when it was not read to the end, or several times. */
  readonly elements: number | undefined
  /** Elements of one of its openings, on average: of a file, where each file is a dataset. */
  readonly perOpening: number
  readonly bytes: Bytes
}

/** What is known of a plan without running it, and what a run of it measured. */
export class Facts {
  readonly root: PlanNode
  readonly items: readonly Item[]
  readonly #names = new Map<PlanNode, string>()
  readonly #cardinalities = new Map<PlanNode, Cardinality>()
  readonly #bytes = new Map<PlanNode, Bytes>()
  readonly #measured: ReadonlyMap<string, Measured>

  /** `measured` is by the nodes' names. */
  constructor(root: PlanNode, measured: ReadonlyMap<string, Measured> = new Map()) {
    this.root = root
    this.items = outline(root)
    this.#measured = measured
    for (const { node, name } of this.items) if (!this.#names.has(node)) this.#names.set(node, name)
  }

  nameOf(node: PlanNode): string {
    return this.#names.get(node) ?? node.id
  }

  /** Number of elements it yields. */
  cardinality(node: PlanNode): Cardinality {
    return remembered(this.#cardinalities, node, () => {
      const batchSize = (): Cardinality => this.#batchSize(node.inputs[0])
      const { cardinality } = specOf(node.op)
      const known = cardinality(node.params as never, this.#inputs(node), batchSize)
      return known ?? this.#measured.get(this.nameOf(node))?.elements
    })
  }

  /** About how many bytes one of its elements takes. */
  bytes(node: PlanNode): Bytes {
    return remembered(this.#bytes, node, () => {
      const spec = specOf(node.op)
      const inputs = node.inputs.map((input) => this.bytes(input))
      const known = handsOn(spec) ? inputs[0] : spec.bytes?.(node.params as never, inputs)
      return known ?? this.#measured.get(this.nameOf(node))?.bytes
    })
  }

  /** Elements of one of the datasets that a node's function made, on average of a run. */
  perDataset(node: PlanNode): number | undefined {
    const way = `${this.nameOf(node)}()/`
    // The end of such a dataset is opened before what it reads.
    for (const [name, { perOpening }] of this.#measured) if (name.startsWith(way)) return perOpening
    return undefined
  }

  traits(node: PlanNode): Traits {
    return specOf(node.op).traits?.(node.params as never, this.#inputs(node)) ?? {}
  }

  /** Elements of its input that it holds at once at most, where that is known. */
  held(node: PlanNode): number | undefined {
    const { holds } = this.traits(node)
    if (holds === undefined) return undefined
    const [input] = this.#inputs(node)
    if (input === undefined) return holds === Infinity ? undefined : holds
    return Math.min(holds, input)
  }

  /** All nodes above one, the nearest first; `through` says behind which to look further. */
  *above(node: PlanNode, through: (node: PlanNode) => boolean = () => true): Generator<PlanNode> {
    for (const input of node.inputs) {
      yield input
      if (through(input)) yield* this.above(input, through)
    }
  }

  #batchSize(node: PlanNode | undefined): Cardinality {
    if (node === undefined) return undefined
    const spec = specOf(node.op)
    return handsOn(spec) ? this.#batchSize(node.inputs[0]) : spec.batchSize?.(node.params as never)
  }

  #inputs(node: PlanNode): readonly Cardinality[] {
    return node.inputs.map((input) => this.cardinality(input))
  }
}

/** Number of elements of a plan, where it is known without running. */
export function cardinalityOf(node: PlanNode): Cardinality {
  return new Facts(node).cardinality(node)
}

/** Whether its elements are those of its input. */
function handsOn(spec: OperatorSpec): boolean {
  return (
    spec.kind === 'view' ||
    (spec.kind === 'row' && spec.rows === 'fewer') ||
    spec.bytes === sameBytes
  )
}

function remembered<V>(values: Map<PlanNode, V>, node: PlanNode, make: () => V): V {
  const known = values.get(node)
  if (known !== undefined) return known
  const made = make()
  values.set(node, made)
  return made
}
