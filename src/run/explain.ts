import { specOf } from '../operators/table.ts'
import { nodesOf, type PlanNode } from '../plan/node.ts'
import { cut } from '../segment/cut.ts'
import type { Cardinality } from '../stream/spec.ts'
import { linesOf } from './checkpoint.ts'

/** Number of elements of a plan, where it is known without running. */
export function cardinalityOf(node: PlanNode): Cardinality {
  return specOf(node.op).cardinality(node.params as never, node.inputs.map(cardinalityOf))
}

/** The plan, operator by operator, with the segments that run as one loop. */
export function explain(root: PlanNode): string {
  const texts = linesOf(root)
  const segments = segmentsOf(root)
  const rows = nodesOf(root).map((node, k) => {
    const segment = segments.get(node)
    const how = segment === undefined ? junctionText(node) : segmentText(segment)
    return [node.id, texts[k]?.text ?? node.op, how, node.at ?? ''] as const
  })
  const width = (k: 0 | 1 | 2): number => Math.max(...rows.map((row) => row[k].length))
  const widths = [width(0), width(1), width(2)] as const
  const lines = rows.map(([id, text, how, at]) =>
    `${id.padEnd(widths[0])}  ${text.padEnd(widths[1])}  ${how.padEnd(widths[2])}  ${at}`.trimEnd(),
  )
  return [...lines, `elements: ${cardinalityOf(root) ?? 'unknown'}`].join('\n')
}

interface Part {
  /** Number of the segment. */
  readonly segment: number
  /** True for what works on positions of the source instead of elements. */
  readonly view: boolean
}

function segmentText({ segment, view }: Part): string {
  return `segment ${segment}, ${view ? 'positions of the source' : 'one loop'}`
}

/** The segment of each node that is part of one. */
function segmentsOf(root: PlanNode): ReadonlyMap<PlanNode, Part> {
  const heads: PlanNode[] = []
  const visit = (node: PlanNode): void => {
    const plan = cut(node)
    const inputs = plan === undefined ? node.inputs : plan.source === undefined ? [plan.input] : []
    for (const input of inputs) visit(input)
    if (plan !== undefined) heads.push(node)
  }
  visit(root)
  const parts = new Map<PlanNode, Part>()
  heads.forEach((head, k) => {
    const plan = cut(head)
    const segment = k + 1
    for (const { node } of plan?.views ?? []) parts.set(node, { segment, view: true })
    for (const { node } of plan?.ops ?? []) parts.set(node, { segment, view: false })
    if (plan?.source !== undefined) parts.set(plan.input, { segment, view: false })
  })
  return parts
}

function junctionText(node: PlanNode): string {
  const { params } = node
  if (typeof params !== 'object' || params === null) return 'reads on its own'
  if ('parallelism' in params && 'fn' in params) {
    const { fn } = params
    const placed = typeof fn === 'object' && fn !== null && 'place' in fn
    return placed
      ? `on ${String(fn.place)}, order kept`
      : `${String(params.parallelism)} calls at once, order kept`
  }
  if (node.op === 'prefetch' && 'size' in params) return `${String(params.size)} ready ahead`
  return specOf(node.op).kind === 'source' ? 'reads the world' : 'ends a segment'
}
