import { InvalidArgumentError } from '../errors/index.ts'
import { checkFunction, checkSeed } from '../operators/check.ts'
import { classAndChance } from '../operators/rejection-resample.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import type { Local } from '../stream/local.ts'
import { describe } from '../tensor/index.ts'

/** Options of `rejectionResample`. */
export interface ResampleOptions<T> {
  /** The class of an element: a whole number from 0 up to and without the length of `targetDist`. */
  readonly class: (x: T, local: Local) => number
  /** How often classes are to come, in proportion. */
  readonly targetDist: readonly number[]
  /** How often they come in the dataset. Default: estimated from what was read so far. */
  readonly initialDist?: readonly number[]
  /** Tells resamplings of one run apart; mixed with the run's seed. */
  readonly seed?: number
}

export function resampleNode<T>(input: PlanNode, options: ResampleOptions<T>, at: At): PlanNode {
  const { class: classOf, targetDist, initialDist, seed } = options
  checkFunction('rejectionResample', classOf)
  const target = checkDistribution('targetDist', targetDist)
  const initial = initialDist && checkDistribution('initialDist', initialDist, target.length)
  const missing = initial?.findIndex((share, k) => share === 0 && Number(target[k]) > 0) ?? -1
  if (missing >= 0) {
    throw new InvalidArgumentError(
      `rejectionResample: class ${missing} is wanted by targetDist, but never comes by initialDist`,
    )
  }
  checkSeed('rejectionResample', seed)
  const fn = classAndChance(classOf, target.length, seed)
  return makeNode('rejectionResample', { fn, target, initial, seed }, [input], at)
}

function checkDistribution(name: string, shares: unknown, length?: number): readonly number[] {
  const fits =
    Array.isArray(shares) &&
    shares.length === (length ?? shares.length) &&
    shares.every((share) => typeof share === 'number' && share >= 0 && share < Infinity) &&
    shares.some((share) => share > 0)
  if (fits) return [...(shares as readonly number[])]
  throw new InvalidArgumentError(
    `rejectionResample: ${name} must hold a number of at least 0 for each class, and one above 0, not ${describe(shares)}`,
  )
}
