import { InvalidArgumentError } from '../errors/index.ts'
import { checkFunction, checkWhole } from '../operators/check.ts'
import { makeNode, type PlanNode } from '../plan/node.ts'
import { batchLength, describe } from '../tensor/index.ts'

/** The plan's nodes of sources, their arguments checked. */

type At = string | undefined

export function rangeNode(start: number, stop: number, step: number, at: At): PlanNode {
  for (const [name, value] of Object.entries({ start, stop, step })) {
    const infinite = name === 'stop' && Math.abs(value) === Infinity
    if (typeof value !== 'number' || !(Number.isFinite(value) || infinite)) {
      throw new InvalidArgumentError(`range: ${name} must be a number, not ${describe(value)}`)
    }
  }
  if (step === 0) throw new InvalidArgumentError('range: step must not be 0')
  return makeNode('range', { start, stop, step }, [], at)
}

export function counterNode(start: number, step: number, at: At): PlanNode {
  for (const [name, value] of Object.entries({ start, step })) {
    if (typeof value === 'number' && Number.isFinite(value)) continue
    throw new InvalidArgumentError(`counter: ${name} must be a number, not ${describe(value)}`)
  }
  return makeNode('counter', { start, step }, [], at)
}

/** Options of `Dataset.random`. */
export interface RandomOptions {
  /** Tells sources of one run apart; mixed with the run's seed. Default 0. */
  readonly seed?: number
  /** True gives every epoch and every iteration other numbers. Default false, as in tf.data. */
  readonly rerandomizeEachIteration?: boolean
}

export function randomNode({ seed, rerandomizeEachIteration }: RandomOptions, at: At): PlanNode {
  if (seed !== undefined) checkWhole('random', 'seed', seed, Number.MIN_SAFE_INTEGER)
  const rerandomize = rerandomizeEachIteration === true
  return makeNode('random', { seed, rerandomize }, [], at)
}

export function arrayNode(items: readonly unknown[], at: At): PlanNode {
  if (!Array.isArray(items)) {
    throw new InvalidArgumentError(`fromArray takes an array, not ${describe(items)}`)
  }
  return makeNode('array', { items }, [], at)
}

export function slicesNode(columns: unknown, at: At): PlanNode {
  try {
    batchLength(columns)
  } catch (cause) {
    const hint = Array.isArray(columns) ? '. For the items of a plain array use fromArray' : ''
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new InvalidArgumentError(`fromTensorSlices: ${why}${hint}`, { cause })
  }
  return makeNode('slices', { columns }, [], at)
}

export function generatorNode(
  make: (signal: AbortSignal) => Iterable<unknown> | AsyncIterable<unknown>,
  replayable: boolean,
  at: At,
): PlanNode {
  checkFunction('fromGenerator', make)
  return makeNode('generator', { make, replayable }, [], at)
}

export function filesNode(pattern: string, at: At): PlanNode {
  return makeNode('files', { pattern: checkPath('files', pattern) }, [], at)
}

export function labeledFilesNode(folder: string, at: At): PlanNode {
  return makeNode('labeledFiles', { folder: checkPath('labeledFiles', folder) }, [], at)
}

function checkPath(op: string, path: string): string {
  if (typeof path === 'string' && path !== '') return path
  throw new InvalidArgumentError(`${op} takes a path, not ${describe(path)}`)
}
