import { specOf } from '../../operators/table.ts'
import type { PlanNode } from '../../plan/node.ts'
import type { Rule } from './advice.ts'
import { isBatch, isWork } from './look.ts'

/** True for operators that leave the number of elements and their order as they are. */
function oneToOne({ op }: PlanNode): boolean {
  const spec = specOf(op)
  return isWork({ op } as PlanNode) || (spec.kind === 'row' && spec.rows === 'same')
}

export const shardLate: Rule = {
  code: 'shard-late',
  check: (node, facts) => {
    if (node.op !== 'shard' || specOf('shard').noop?.(node.params as never) === true) {
      return undefined
    }
    for (const above of facts.above(node, oneToOne)) {
      if (!isWork(above)) continue
      return (
        `throws away work of ${facts.nameOf(above)}: each reader does it for the elements of all. ` +
        'Shard before it'
      )
    }
    return undefined
  },
}

/** Only where batches are made of costly work: there the reader is likely to be busy between two of them. */
export const noPrefetch: Rule = {
  code: 'no-prefetch',
  check: (node, facts) => {
    if (node !== facts.root) return undefined
    const chain = [node, ...facts.above(node)]
    const end = chain.findIndex(({ op }) => op === 'prefetch' || op === 'cache')
    const last = end < 0 ? chain : chain.slice(0, end)
    const batch = last.find(isBatch)
    const work = last.slice(batch === undefined ? last.length : last.indexOf(batch)).find(isWork)
    if (batch === undefined || work === undefined) return undefined
    return (
      `makes the next batch only when it is asked for, while ${facts.nameOf(work)} works ahead. If the reader is ` +
      'busy between batches, as with a training step, end with prefetch()'
    )
  },
}
