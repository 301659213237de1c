import type { PlanNode } from '../plan/node.ts'

/** What a pass makes of a node whose inputs are rewritten already. */
export interface Rewritten {
  /** Does what `node` does; its id is one that was there, because ids key chance, metrics and errors. */
  readonly node: PlanNode
  /** For `explain`: what was done and why, in half a sentence. */
  readonly why: string
}

/**
 * A pure step from plan to plan, or undefined where it has nothing to do. What it does may follow only from
 * operators and what their `structure` shows: a checkpoint is taken of the rewritten plan, and fits all plans
 * that are structured alike.
 */
export type Pass = (node: PlanNode) => Rewritten | undefined
