import { specOf } from '../operators/table.ts'
import type { Pass } from './pass.ts'

/** Makes one of two neighbours of a kind, such as `skip(3).skip(4)`. */
export const merge: Pass = (node) => {
  const [above] = node.inputs
  if (above?.op !== node.op) return undefined
  const params = specOf(node.op).merge?.(node.params as never, above.params as never)
  if (params === undefined) return undefined
  return {
    node: Object.freeze({ ...node, params, inputs: above.inputs }),
    why: `took in ${above.id}`,
  }
}
