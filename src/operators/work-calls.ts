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
  let room = 1024
  let calls = 0
  let slow = 0
  /** An asynchronous function may work on this thread too, before it first waits. Once may be chance. */
  const watch = (ms: number): void => {
    if (ms > SLOW_MS && ++slow > 1) meter.slow(node, ms)
  }
  const finish = (task: Task, lane: number, start: number, finished: () => void): void => {
    lanes.push(lane)
    meter.busy(start, 1, `call ${lane}`)
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
