import type { PlanNode } from '../../plan/node.ts'
import { cut, type SegmentPlan } from '../../segment/cut.ts'

/** What runs on its own: a segment's loop, or an operator that reads through inlets or opens something. */
export interface Part {
  /** The node whose elements come out. */
  readonly node: PlanNode
  readonly segment: SegmentPlan | undefined
  /** The nodes whose elements go in. */
  readonly inputs: readonly PlanNode[]
}

/** The parts of a plan, as they are cut when it runs; sources first. */
export function partsOf(root: PlanNode): readonly Part[] {
  const parts: Part[] = []
  const visit = (node: PlanNode): void => {
    const segment = cut(node)
    const inputs =
      segment === undefined ? node.inputs : segment.source === undefined ? [segment.input] : []
    for (const input of inputs) visit(input)
    parts.push({ node, segment, inputs })
  }
  visit(root)
  return parts
}

/** The nodes that a part does the work of, in order. */
export function nodesIn({ node, segment }: Part): readonly PlanNode[] {
  if (segment === undefined) return [node]
  const source = segment.source === undefined ? [] : [segment.input]
  return [...source, ...segment.views.map((view) => view.node), ...segment.ops.map((op) => op.node)]
}
