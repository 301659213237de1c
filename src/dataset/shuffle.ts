import { checkOptionNames, checkSeed, checkWhole } from '../operators/check.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { cut } from '../segment/cut.ts'

/** Options of `shuffle`. */
export interface ShuffleOptions {
  /** Tells shuffles of one run apart; mixed with the run's seed. Default 0. */
  readonly seed?: number
  /** False gives every epoch and every iteration the same order. Default true. */
  readonly reshuffleEachIteration?: boolean
}

/** The plan's node of `shuffle`: a buffer, or a view of the source's positions. */
export function shuffleNode(
  input: PlanNode,
  bufferSize: number | 'global',
  options: ShuffleOptions,
  at: At,
): PlanNode {
  checkOptionNames('shuffle', options, { seed: 1, reshuffleEachIteration: 1 })
  const { seed, reshuffleEachIteration } = options
  checkSeed('shuffle', seed)
  const reshuffle = reshuffleEachIteration !== false
  if (bufferSize !== 'global') {
    const size = checkWhole('shuffle', 'bufferSize', bufferSize, 1)
    return makeNode('shuffle', { size, seed, reshuffle }, [input], at)
  }
  const node = makeNode('globalShuffle', { seed, reshuffle }, [input], at)
  cut(node) // refuses an input without random access
  return node
}
