import { specOf } from '../operators/table.ts'
import { type IndexedSource, type RowSpec, wantsLocal } from '../stream/spec.ts'
import type { PlanNode } from '../plan/node.ts'
import type { Json } from '../stream/operator.ts'

/** A row operator at its place in a segment. */
export interface SegmentOp {
  readonly node: PlanNode
  readonly spec: RowSpec
  /** Place of its first state in the segment's state. */
  readonly slot: number
  /** Place of the counter for its `Local`, where its function asks for one. */
  readonly localSlot: number | undefined
}

/** What runs as one loop: a source or an input, and row operators. */
export interface SegmentPlan {
  /** Made by the loop itself, for sources with random access. */
  readonly source: IndexedSource | undefined
  /** What is read through an inlet otherwise. */
  readonly input: PlanNode
  readonly ops: readonly SegmentOp[]
  /** States at the start. */
  readonly state: readonly Json[]
  /** Place of the one operator that changes the ratio of elements, or -1. */
  readonly ratio: number
}

/**
 * The segment that ends at `node`, or undefined when the node is a junction or a source that opens something.
 * Pure: the same plan is always cut the same way, so tokens fit.
 */
export function cut(node: PlanNode): SegmentPlan | undefined {
  const nodes: PlanNode[] = []
  let input: PlanNode = node
  let ratios = 0
  for (;;) {
    const spec = specOf(input.op)
    if (spec.kind !== 'row') break
    if (isRatio(spec) && ++ratios > 1) break
    nodes.unshift(input)
    const up = input.inputs[0]
    if (up === undefined) break
    input = up
  }
  const source = indexedSource(input)
  if (nodes.length === 0 && source === undefined) return undefined
  return layOut(nodes, input, source)
}

function isRatio(spec: RowSpec): boolean {
  return spec.rows === 'expand' || spec.rows === 'gather'
}

function indexedSource(node: PlanNode): IndexedSource | undefined {
  const spec = specOf(node.op)
  return spec.kind === 'source' ? spec.indexed?.(node.params as never) : undefined
}

function layOut(
  nodes: readonly PlanNode[],
  input: PlanNode,
  source: IndexedSource | undefined,
): SegmentPlan {
  const state: Json[] = []
  const ops = nodes.map((node): SegmentOp => {
    const spec = specOf(node.op) as RowSpec
    const slot = state.length
    state.push(...(spec.state?.(node.params as never) ?? []))
    const user = spec.fn?.(node.params as never)
    if (user === undefined || !wantsLocal(user.fn, user.arity)) {
      return { node, spec, slot, localSlot: undefined }
    }
    return { node, spec, slot, localSlot: state.push(0) - 1 }
  })
  return { source, input, ops, state, ratio: ops.findIndex((op) => isRatio(op.spec)) }
}

/** True when a restored or fresh state says that nothing more will come. */
export function isOver(plan: SegmentPlan, state: readonly Json[]): boolean {
  return plan.ops.some(({ spec, slot }) => {
    if (spec.rows === 'expand' || spec.rows === 'gather') return false
    return spec.over?.(state.slice(slot)) ?? false
  })
}
