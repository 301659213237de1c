import type { Rule } from './advice.ts'
import { asksForLocal, isCache, param, reshuffles } from './look.ts'

export const cacheAfterRandom: Rule = {
  code: 'cache-after-random',
  check: (node, facts) => {
    if (!isCache(node)) return undefined
    for (const above of facts.above(node, (next) => !isCache(next))) {
      if (!asksForLocal(above)) continue
      return (
        `keeps what the function of ${facts.nameOf(above)} drew by local.random() the first time: ` +
        'every epoch reads the same. Cache before random changes'
      )
    }
    return undefined
  },
}

export const cacheAfterShuffle: Rule = {
  code: 'cache-after-shuffle',
  check: (node, facts) => {
    if (!isCache(node)) return undefined
    for (const above of facts.above(node, (next) => !isCache(next))) {
      if (!reshuffles(above)) continue
      return (
        `keeps the first order of ${facts.nameOf(above)}: no epoch is shuffled anew. ` +
        'Cache before the shuffle, or say so by reshuffleEachIteration: false'
      )
    }
    return undefined
  },
}

/** A `take` behind a cache: the cache is kept only when it was read to its end. */
export const cacheNotFilled: Rule = {
  code: 'cache-not-filled',
  check: (node, facts) => {
    const count = param(node, 'count')
    // A take that no user wrote is how much was asked of a run, as by `--take`.
    if (node.op !== 'take' || node.at === undefined || typeof count !== 'number' || count < 0) {
      return undefined
    }
    for (const above of facts.above(node, ({ op }) => op !== 'cache' && op !== 'repeat')) {
      if (!isCache(above)) continue
      const all = facts.cardinality(node.inputs[0] ?? node)
      if (all !== undefined && all <= count) return undefined
      return (
        `stops ${facts.nameOf(above)} before its end, and a cache is kept only when it was read to the end: ` +
        'each iteration makes its elements anew. Take before the cache'
      )
    }
    return undefined
  },
}

export const cacheWithoutEnd: Rule = {
  code: 'cache-without-end',
  check: (node, facts) => {
    const [input] = node.inputs
    if (!isCache(node) || input === undefined || facts.cardinality(input) !== Infinity) {
      return undefined
    }
    return 'keeps all elements of an input that never ends: memory grows until the process dies. Cache before the repeat'
  },
}
