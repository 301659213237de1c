import { checkFunction, checkWhole } from '../operators/check.ts'
import { makeNode, type PlanNode } from '../plan/node.ts'
import { inline } from '../place/index.ts'
import { isStage, type Placed } from '../stage/index.ts'
import type { Local } from '../stream/local.ts'
import type { PlacedStage } from '../stream/pool.ts'

/** How `map` calls its function. */
export interface MapOptions {
  /** Calls under way at most, for functions of this thread. Default 16 for `async` functions, else 1. */
  readonly parallelism?: number
  /** What becomes of an element on which the function throws: `'fail'` (default) or `'skip'`, counted. */
  readonly onError?: 'fail' | 'skip'
}

const ASYNC_PARALLELISM = 16

// Async functions are known by their constructor; plain functions that return promises are not.
const AsyncFunction = (async () => undefined).constructor

/** What `map` takes: a function, a stage, or a stage with a place. */
export type MapFn<T, U> = ((x: T, local: Local) => U | Promise<U>) | Placed<T, U>

/** The plan's node of `map`: a loop body for synchronous functions, a junction for all others. */
export function mapNode<T, U>(
  input: PlanNode,
  fn: MapFn<T, U>,
  options: MapOptions,
  at: string | undefined,
): PlanNode {
  const { parallelism, onError = 'fail' } = options
  if (parallelism !== undefined) checkWhole('map', 'parallelism', parallelism, 1)
  const placed = placedOf(fn)
  if (placed !== undefined) {
    return makeNode('mapAsync', { fn: placed, parallelism: 1, onError }, [input], at)
  }
  checkFunction('map', fn)
  const isAsync = fn instanceof AsyncFunction
  if (!isAsync && parallelism === undefined && onError === 'fail') {
    return makeNode('map', { fn }, [input], at)
  }
  const lanes = parallelism ?? (isAsync ? ASYNC_PARALLELISM : 1)
  return makeNode('mapAsync', { fn, parallelism: lanes, onError }, [input], at)
}

/** A stage without a place runs in this thread, set up and torn down with the run like any other. */
function placedOf<T, U>(fn: MapFn<T, U>): PlacedStage | undefined {
  if (typeof fn === 'object' && fn !== null && 'place' in fn) return fn
  return isStage(fn) ? fn.on(inline) : undefined
}
