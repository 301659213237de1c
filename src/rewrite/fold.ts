import { specOf } from '../operators/table.ts'
import type { Pass } from './pass.ts'

/** Leaves out an operator that hands on its input as it is, such as `skip(0)`. */
export const fold: Pass = (node) => {
  const [input] = node.inputs
  if (input === undefined || specOf(node.op).noop?.(node.params as never) !== true) return undefined
  return { node: input, why: 'left out: it hands on what it gets' }
}
