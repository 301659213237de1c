import { specOf } from '../operators/table.ts'
import { type IndexedSource, type RowSpec, type ViewSpec, wantsLocal } from '../stream/spec.ts'
import type { PlanNode } from '../plan/node.ts'
import type { Json } from '../stream/operator.ts'
import { lift, type Lifted, noPositions, type View } from './views.ts'

/** A row operator at its place in a segment. */
export interface SegmentOp {
  readonly node: PlanNode
  readonly spec: RowSpec
  /** Place of its first state in the segment's state. */
  readonly slot: number
  /**
   * Place of the counter of elements that its function saw: where it asks for a `Local`, or where an operator
   * before it in the loop drops or makes elements, so that an error could not tell its position otherwise.
   */
  readonly countSlot: number | undefined
  /** True when its function asks for a `Local`. */
  readonly wantsLocal: boolean
  /** How many of the segment's views are below it: its elements' positions are those behind them. */
  readonly views: number
}

/** What runs as one loop: a source or an input, and row operators. */
export interface SegmentPlan {
  /** Made by the loop itself, for sources with random access. */
  readonly source: IndexedSource | undefined
  /** What rearranges the source's positions, next to the source first. */
  readonly views: readonly View[]
  /** Number of the source's elements behind the views. */
  readonly length: number
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
    if (spec.kind !== 'row' && spec.kind !== 'view') break
    if (isRatio(spec) && ++ratios > 1) break
    nodes.unshift(input)
    const up = input.inputs[0]
    if (up === undefined) break
    input = up
  }
  const source = indexedSource(input)
  if (source !== undefined) return layOut(input, source, lift(nodes, source))
  if (nodes.length === 0) return undefined
  const view = nodes.find(({ op }) => specOf(op).kind === 'view')
  if (view !== undefined) throw noPositions(view, input)
  const rows = nodes.map((row) => ({ node: row, views: 0 }))
  return layOut(input, undefined, { views: [], rows, length: 0 })
}

function isRatio(spec: RowSpec | ViewSpec): boolean {
  return spec.kind === 'row' && (spec.rows === 'expand' || spec.rows === 'gather')
}

function indexedSource(node: PlanNode): IndexedSource | undefined {
  const spec = specOf(node.op)
  return spec.kind === 'source' ? spec.indexed?.(node.params as never) : undefined
}

function layOut(
  input: PlanNode,
  source: IndexedSource | undefined,
  { views, rows, length }: Lifted,
): SegmentPlan {
  const state: Json[] = []
  let moved = false // whether positions in the loop's input are those in the operator's
  const ops = rows.map((row): SegmentOp => {
    const { node } = row
    const spec = specOf(node.op) as RowSpec
    const slot = state.length
    state.push(...(spec.state?.(node.params as never) ?? []))
    const user = spec.fn?.(node.params as never)
    const local = user !== undefined && wantsLocal(user.fn, user.arity)
    const counts = row.views === views.length && (local || (user !== undefined && moved))
    moved ||= spec.rows !== 'same'
    const countSlot = counts ? state.push(0) - 1 : undefined
    return { ...row, spec, slot, countSlot, wantsLocal: local }
  })
  const ratio = ops.findIndex((op) => isRatio(op.spec))
  return { source, views, length, input, ops, state, ratio }
}

/** True when a restored or fresh state says that nothing more will come. */
export function isOver(plan: SegmentPlan, state: readonly Json[]): boolean {
  return plan.ops.some(({ spec, slot }) => {
    if (spec.rows === 'expand' || spec.rows === 'gather') return false
    return spec.over?.(state.slice(slot)) ?? false
  })
}
