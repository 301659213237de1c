import { about, bytes, count, percent } from '../explain/text.ts'
import type { Rule } from './advice.ts'
import { isBatch, isShuffle, param, splits } from './look.ts'

export const batchBeforeShuffle: Rule = {
  code: 'batch-before-shuffle',
  check: (node, facts) => {
    if (!isShuffle(node)) return undefined
    for (const above of facts.above(node, (next) => !isBatch(next) && !splits(next))) {
      if (!isBatch(above)) continue
      return (
        `shuffles whole batches of ${facts.nameOf(above)}: their elements stay together. ` +
        'Shuffle before the batch'
      )
    }
    return undefined
  },
}

/** A smaller share of the input leaves an order as it was, but for a short stretch. */
const SMALL = 0.01

export const smallShuffle: Rule = {
  code: 'small-shuffle',
  check: (node, facts) => {
    const size = param(node, 'size')
    const [input] = node.inputs
    if (node.op !== 'shuffle' || typeof size !== 'number' || input === undefined) return undefined
    const length = facts.cardinality(input)
    if (length === undefined || length === Infinity || size >= SMALL * length) return undefined
    return (
      `holds ${count(size)} of ${count(length)} elements (${percent(size / length)}): an input sorted by class or ` +
      "date stays so. A larger buffer, or shuffle('global') next to a source with random access"
    )
  },
}

/** A shuffle that holds less than the files, say, that are read at the same time: known after a run. */
export const shuffleWithinFile: Rule = {
  code: 'shuffle-within-file',
  check: (node, facts) => {
    const size = param(node, 'size')
    if (node.op !== 'shuffle' || typeof size !== 'number') return undefined
    for (const above of facts.above(node, (next) => !isShuffle(next) && !splits(next))) {
      const each = splits(above) ? facts.perDataset(above) : undefined
      if (each === undefined) continue
      const turns = param(above, 'cycleLength')
      const open = typeof turns === 'number' ? turns : 1
      if (size >= each * open) return undefined
      return (
        `holds ${count(size)} elements, and a dataset of ${facts.nameOf(above)} has ${about(each)}: what lies in one ` +
        'of them stays together. A larger buffer, or interleave more of them, in an order that is shuffled too'
      )
    }
    return undefined
  },
}

const LARGE_BYTES = 256e6

export const largeShuffle: Rule = {
  code: 'large-shuffle',
  check: (node, facts) => {
    const held = facts.held(node)
    const [input] = node.inputs
    if (node.op !== 'shuffle' || held === undefined || input === undefined) return undefined
    const each = facts.bytes(input)
    if (each === undefined || held * each < LARGE_BYTES) return undefined
    return (
      `holds ${count(held)} elements of ${bytes(each)}, ${bytes(held * each)} in all. ` +
      'Shuffle names or numbers, and read or decode behind it'
    )
  },
}

/** The order in which results came is part of a checkpoint, back to the oldest element held. */
export const unorderedShuffle: Rule = {
  code: 'unordered-before-shuffle',
  check: (node, facts) => {
    const entries = facts.traits(node).rereads ?? 0
    if (node.op !== 'shuffle' || entries < 1000) return undefined
    for (const above of facts.above(node)) {
      if (param(above, 'deterministic') !== false) continue
      return (
        `makes a checkpoint hold the order of about ${about(entries)} elements of ${facts.nameOf(above)}. ` +
        'Keep it deterministic, or shuffle before it'
      )
    }
    return undefined
  },
}
