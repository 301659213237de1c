import { checkFunction, checkWhole } from '../operators/check.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'

/** Options of `unique`. */
export interface UniqueOptions {
  /** Bytes that keys may take in memory, before they go to disk. Default 128 MB. */
  readonly memory?: number
}

const MEMORY = 128 * 1024 * 1024

export function uniqueNode<T>(
  input: PlanNode,
  key: ((x: T) => unknown) | undefined,
  { memory = MEMORY }: UniqueOptions,
  at: At,
): PlanNode {
  if (key !== undefined) checkFunction('unique', key)
  checkWhole('unique', 'memory', memory, 1)
  return makeNode('unique', { fn: key, memory }, [input], at)
}
