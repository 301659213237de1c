import { checkFunction, checkWhole } from '../operators/check.ts'
import { makeNode, type PlanNode } from '../plan/node.ts'
import { isStage, type Placed, type Stage } from '../stage/index.ts'
import type { Local } from '../stream/local.ts'

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

type MapFn<T, U> = Placed<T, U> | Stage<T, U> | ((x: T, local: Local) => U | Promise<U>)

/** The plan's node of `map`: a loop body for synchronous functions, a junction for all others. */
export function mapNode<T, U>(
  input: PlanNode,
  fn: MapFn<T, U>,
  options: MapOptions,
  at: string | undefined,
): PlanNode {
  const { parallelism, onError = 'fail' } = options
  if (parallelism !== undefined) checkWhole('map', 'parallelism', parallelism, 1)
  if (typeof fn === 'object' && fn !== null && 'place' in fn) {
    return makeNode('mapAsync', { fn, parallelism: 1, onError }, [input], at)
  }
  checkFunction('map', fn)
  if (isStage(fn)) {
    // A stage called by itself would make a Local of its own: hand it the run's.
    const call = (x: T, local: Local): U | Promise<U> => fn(x, local)
    return makeNode('mapAsync', { fn: call, parallelism: parallelism ?? 1, onError }, [input], at)
  }
  const isAsync = fn instanceof AsyncFunction
  if (!isAsync && parallelism === undefined && onError === 'fail') {
    return makeNode('map', { fn }, [input], at)
  }
  const lanes = parallelism ?? (isAsync ? ASYNC_PARALLELISM : 1)
  return makeNode('mapAsync', { fn, parallelism: lanes, onError }, [input], at)
}
