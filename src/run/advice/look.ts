import { specOf } from '../../operators/table.ts'
import type { PlanNode } from '../../plan/node.ts'

/** Questions that several rules ask of a node. */

export const isCache = ({ op }: PlanNode): boolean => op === 'cache'

export const isShuffle = ({ op }: PlanNode): boolean => op === 'shuffle' || op === 'globalShuffle'

/** True for shuffles that take another order in each epoch. */
export const reshuffles = (node: PlanNode): boolean =>
  isShuffle(node) && param(node, 'reshuffle') === true

/** A parameter of a node, whatever operator it is of. */
export function param(node: PlanNode, name: string): unknown {
  const { params } = node
  if (typeof params !== 'object' || params === null) return undefined
  return Object.entries(params).find(([key]) => key === name)?.[1]
}

/** True for a function of the user's that asks for a `Local` behind its elements. */
export function asksForLocal(node: PlanNode): boolean {
  const fn = param(node, 'fn')
  if (typeof fn !== 'function') return false
  const spec = specOf(node.op)
  const arity = spec.kind === 'row' ? spec.fn?.(node.params as never)?.arity : undefined
  return fn.length > (arity ?? 1)
}

/** True for work outside the loop: calls to the world, and stages with a place. */
export const isWork = ({ op }: PlanNode): boolean => op === 'mapAsync'

/** True for operators that make one element of several. */
export function isBatch({ op }: PlanNode): boolean {
  const spec = specOf(op)
  const gathers = spec.kind === 'row' && spec.rows === 'gather'
  return gathers || ['batchBy', 'rebatch', 'bucketBySequenceLength'].includes(op)
}

/** True for operators whose elements are parts of what came in: behind them nothing is a batch. */
export function splits({ op }: PlanNode): boolean {
  const spec = specOf(op)
  const expands = spec.kind === 'row' && spec.rows === 'expand'
  return expands || op === 'flatMap' || op === 'interleave'
}
