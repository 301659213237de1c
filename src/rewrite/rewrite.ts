import { nodesOf, type PlanNode } from '../plan/node.ts'
import { fold } from './fold.ts'
import { merge } from './merge.ts'
import type { Pass, Rewritten } from './pass.ts'

/**
 * Which rewriting this is. A checkpoint says with which one it was taken and is resumed with that; 0 is none.
 * Count up when a pass changes what it makes of a plan.
 */
export const REWRITING = 1

const passes: readonly Pass[] = [fold, merge]

interface Known {
  readonly node: PlanNode
  readonly why: string | undefined
}

// By node, not by plan: datasets made of one cached dataset share its rewritten node, and so its elements.
const known = new WeakMap<PlanNode, Known>()

/** The plan that runs, by the passes from the sources on: the same elements with less work. */
export function rewrite(node: PlanNode): PlanNode {
  return rewritten(node).node
}

/** A node of the user's plan and what became of it. */
export interface Change {
  readonly node: PlanNode
  readonly why: string
}

/** What `rewrite` did, sources first. */
export function changesOf(root: PlanNode): readonly Change[] {
  return nodesOf(root).flatMap((node) => {
    const { why } = rewritten(node)
    return why === undefined ? [] : [{ node, why }]
  })
}

function rewritten(node: PlanNode): Known {
  const before = known.get(node)
  if (before !== undefined) return before
  const inputs = node.inputs.map(rewrite)
  const same = inputs.every((input, k) => input === node.inputs[k])
  const moved = same ? node : Object.freeze({ ...node, inputs })
  const result: Rewritten | undefined = firstOf(moved)
  const now = { node: result?.node ?? moved, why: result?.why }
  known.set(node, now)
  return now
}

function firstOf(node: PlanNode): Rewritten | undefined {
  for (const pass of passes) {
    const result = pass(node)
    if (result !== undefined) return result
  }
  return undefined
}
