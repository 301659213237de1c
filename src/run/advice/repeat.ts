import { specOf } from '../../operators/table.ts'
import type { Rule } from './advice.ts'
import { isCache, isShuffle, param } from './look.ts'

export const repeatBeforeShuffle: Rule = {
  code: 'repeat-before-shuffle',
  check: (node, facts) => {
    if (!isShuffle(node)) return undefined
    for (const above of facts.above(node)) {
      if (above.op !== 'repeat' || param(above, 'count') === 1) continue
      return (
        `mixes the epochs of ${facts.nameOf(above)}: some elements come twice before others came once. ` +
        'Shuffle before the repeat, unless that is meant'
      )
    }
    return undefined
  },
}

export const readOnce: Rule = {
  code: 'read-once',
  check: (node, facts) => {
    if (node.op !== 'repeat' || param(node, 'count') === 1) return undefined
    for (const above of facts.above(node, (next) => !isCache(next))) {
      const spec = specOf(above.op)
      if (spec.kind !== 'source' || param(above, 'replayable') !== false) continue
      return (
        `finds nothing in ${facts.nameOf(above)} after the first epoch: it is an iterator that can be read only once. ` +
        'Pass a function that makes a new one: fromGenerator(() => ...), or cache it'
      )
    }
    return undefined
  },
}
