import { ClosedError } from '../errors/index.ts'
import { type CallPolicy, Calls } from '../limit/calls.ts'
import type { PlanNode } from '../plan/node.ts'
import { SLOW_MS } from '../stream/clock.ts'
import { ElementLocal } from '../stream/local.ts'
import type { OpenContext } from '../stream/operator.ts'
import { roomFor } from '../stream/size-of.ts'
import { type UserFn, wantsLocal } from '../stream/spec.ts'
import type { Runner, Task } from './work.ts'

/** Runs an asynchronous function of this thread, one element a task. */
export function callRunner(
  fn: UserFn,
  width: number,
  context: OpenContext,
  node: PlanNode,
): Runner {
  const call = fn as (...args: unknown[]) => unknown
  const withLocal = wantsLocal(fn, 1)
  const { meter, key, signal } = context
  meter.lanes(width)
  const lanes = Array.from({ length: width }, (_, k) => width - k)
  const names = Array.from({ length: width + 1 }, (_, k) => `call ${k}`)
  let room = 1024
  let calls = 0
  let slow = 0
  /** An asynchronous function may work on this thread too, before it first waits. Once may be chance. */
  const watch = (ms: number): void => {
    if (ms > SLOW_MS && ++slow > 1) meter.slow(node, ms)
  }
  const finish = (task: Task, lane: number, start: number, finished: () => void): void => {
    lanes.push(lane)
    meter.busy(start, 1, names[lane])
    if (calls++ % 64 === 0) room = roomFor(task.values[0])
    finished()
  }
  return {
    width,
    group: () => 1,
    room: () => room,
    run: async (task, finished) => {
      const lane = lanes.pop() ?? 0
      const start = meter.now()
      try {
        const [x] = task.items
        const local = withLocal ? new ElementLocal(key, signal).at(task.first) : undefined
        const result = local === undefined ? call(x) : call(x, local)
        if (meter.watches) watch(performance.now() - start)
        task.values = [await result]
      } catch (error) {
        task.failed = { error }
      }
      finish(task, lane, start, finished)
    },
  }
}

/** Elements that may be on their way, so that those that wait for a host or a key don't hold up the others. */
const SPREAD = 1024

/** Makes the call for an element; what it returns may be a promise. */
export type Invoke = (x: unknown, index: number, signal: AbortSignal) => unknown

/** Runs calls to the world under a policy, one element a task. */
export function policyRunner(invoke: Invoke, policy: CallPolicy, context: OpenContext): Runner {
  const { meter, key, signal, clock, budget } = context
  const calls = new Calls(policy, {
    key,
    clock,
    signal,
    budget,
    store: () => context.callStore(),
    waited: (start, end) => meter.limited(start, end),
    retried: (...what) => meter.retried(...what),
  })
  const spread = typeof policy.limit === 'function' || policy.orderedBy !== undefined
  const lanes: number[] = []
  let widest = 0
  let room = SPREAD
  let inputRoom = SPREAD
  return {
    get width() {
      const { size } = calls.slots
      if (spread) return Math.max(size, Math.min(SPREAD, inputRoom))
      return policy.parallelism === 'auto' ? 2 * size : size
    },
    group: () => 1,
    room: () => room,
    stop: () => calls.stop(new ClosedError('the stage was stopped')),
    run: async (task, finished) => {
      const [x] = task.items
      if (task.first % 64 === 0) inputRoom = roomFor(x)
      const result = await calls.run(x, task.first, async (callSignal) => {
        const lane = lanes.pop() ?? ++widest
        meter.lanes(widest)
        const start = meter.now()
        try {
          return await invoke(x, task.first, callSignal)
        } finally {
          lanes.push(lane)
          meter.busy(start, 1, `call ${lane}`)
        }
      })
      if (result.ok) task.values = [result.value]
      else task.failed = result
      if (task.first % 64 === 0) room = roomFor(task.values[0])
      finished()
    },
  }
}

/** A function of this thread as policies call it: each attempt draws the same random numbers. */
export function invokeOf(fn: UserFn, key: number): Invoke {
  const call = fn as (...args: unknown[]) => unknown
  if (!wantsLocal(fn, 1)) return (x) => call(x)
  return (x, index, signal) => call(x, new ElementLocal(key, signal).at(index))
}
