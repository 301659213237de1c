import type { Rule } from './advice.ts'
import { isCache, param, reshuffles } from './look.ts'

export const splitAfterShuffle: Rule = {
  code: 'split-after-shuffle',
  check: (node, facts) => {
    if (node.op !== 'split' || param(node, 'fn') !== undefined) return undefined
    for (const above of facts.above(node, (next) => !isCache(next))) {
      if (!reshuffles(above)) continue
      return (
        `parts elements by their position behind ${facts.nameOf(above)}, another one in each epoch: ` +
        'what is in one part now is in another later. Split before the shuffle, or by a key: split({ key: ... })'
      )
    }
    return undefined
  },
}
