import type { OpenContext } from '../stream/operator.ts'
import type { PlacedStage, WorkPool } from '../stream/pool.ts'
import { roomFor } from '../stream/size-of.ts'
import type { CallPolicy } from '../limit/calls.ts'
import { policyRunner } from './work-calls.ts'
import type { Runner, Task } from './work.ts'

/** Milliseconds a job should take: long against the 30 us a message costs, short against a resume. */
const JOB_MS = 4
const MAX_JOB = 64

/** Runs a placed stage in its workers, which live as long as the run. */
export async function poolRunner(stage: PlacedStage, context: OpenContext): Promise<Runner> {
  const lease = context.perRun(() => leaseOf(stage, context.signal))
  const pool = await lease.pool
  const { meter, key } = context
  meter.lanes(pool.width)
  let group = 1
  let room = 1024
  return {
    width: 2 * pool.width, // one job waits at each worker, so that it never waits for this thread
    group: () => group,
    room: () => room,
    run: async (task: Task, finished) => {
      try {
        const result = await pool.run({ items: task.items, first: task.first, key })
        task.values = result.values
        if (result.failed !== undefined) task.failed = result.failed
        const ms = (result.end - result.start) / Math.max(1, task.items.length)
        group = Math.min(MAX_JOB, 2 * group, Math.max(1, Math.round(JOB_MS / Math.max(ms, 0.001))))
        room = roomFor(result.values[0])
        meter.busy(result.start, task.items.length, result.lane, result.end)
      } catch (error) {
        task.failed = { error }
      }
      finished()
    },
  }
}

/** The same under a policy: elements go one by one, each with limit, retries and all. */
export async function pooledPolicyRunner(
  stage: PlacedStage,
  policy: CallPolicy,
  context: OpenContext,
): Promise<Runner> {
  const lease = context.perRun(() => leaseOf(stage, context.signal))
  const pool = await lease.pool
  const { key } = context
  const invoke = async (x: unknown, first: number): Promise<unknown> => {
    const { values, failed } = await pool.run({ items: [x], first, key })
    if (failed !== undefined) throw failed.error
    return values[0]
  }
  const parallelism = policy.parallelism === 'auto' ? 2 * pool.width : policy.parallelism
  return policyRunner(invoke, { ...policy, parallelism }, context)
}

function leaseOf(
  stage: PlacedStage,
  signal: AbortSignal,
): { pool: Promise<WorkPool>; close(): Promise<void> } {
  const pool = stage.open(signal)
  return {
    pool,
    close: async () => {
      const opened = await pool.catch(() => undefined) // whoever awaited the pool has thrown the error
      await opened?.close()
    },
  }
}
