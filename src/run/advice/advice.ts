import type { PlanNode } from '../../plan/node.ts'
import type { WarningCode } from '../../trace/events.ts'
import type { Facts } from '../explain/facts.ts'
import { cacheAfterRandom, cacheAfterShuffle, cacheNotFilled, cacheWithoutEnd } from './cache.ts'
import { param } from './look.ts'
import { readOnce, repeatBeforeShuffle } from './repeat.ts'
import {
  batchBeforeShuffle,
  largeShuffle,
  shuffleWithinFile,
  smallShuffle,
  unorderedShuffle,
} from './shuffle.ts'
import { splitAfterShuffle } from './split.ts'
import { noPrefetch, shardLate } from './work.ts'

/** Something in a plan that works, and is probably not what was meant. */
export interface PlanWarning {
  readonly code: WarningCode
  /** The operator it is about, such as `shuffle#1`. */
  readonly stage: string
  /** Where the user added it. */
  readonly at?: string
  /** What happens, and what to do; a sentence without its subject, the stage. */
  readonly message: string
}

/** What is wrong with a node, or undefined. A rule sees the plan above the node, and facts. */
export interface Rule {
  readonly code: WarningCode
  readonly check: (node: PlanNode, facts: Facts) => string | undefined
}

const rules: readonly Rule[] = [
  cacheAfterRandom,
  cacheAfterShuffle,
  cacheNotFilled,
  cacheWithoutEnd,
  batchBeforeShuffle,
  smallShuffle,
  shuffleWithinFile,
  largeShuffle,
  unorderedShuffle,
  repeatBeforeShuffle,
  splitAfterShuffle,
  readOnce,
  shardLate,
  noPrefetch,
]

/** What a plan should be warned of, sources first. */
export function adviceOn(facts: Facts): readonly PlanWarning[] {
  return facts.items.flatMap(({ node, name }) =>
    rules.flatMap(({ code, check }): PlanWarning[] => {
      const message = check(node, facts)
      if (message === undefined) return []
      return [{ code, stage: name, ...(node.at === undefined ? {} : { at: node.at }), message }]
    }),
  )
}

/** What a resume should be warned of: a generator that starts from its beginning again. */
export function adviceOnResume(facts: Facts): readonly PlanWarning[] {
  return facts.items.flatMap(({ node, name }): PlanWarning[] => {
    if (node.op !== 'generator' || param(node, 'cursor') !== undefined) return []
    const at = node.at === undefined ? {} : { at: node.at }
    const message =
      'runs from its start again, and what was delivered before the checkpoint is dropped. ' +
      'With a cursor it goes on where it was: fromGenerator(make, { start, cursor })'
    return [{ code: 'generator-runs-again', stage: name, ...at, message }]
  })
}
