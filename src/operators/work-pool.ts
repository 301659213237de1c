import type { CallPolicy } from '../limit/calls.ts'
import type { OpenContext } from '../stream/operator.ts'
import type { JobResult, PlacedStage, PoolOptions, WorkPool } from '../stream/pool.ts'
import { pinned } from '../stream/tuning.ts'
import { policyRunner } from './work-calls.ts'
import type { Desk, Run, Runner } from './work.ts'

/** Milliseconds a job should take: long against the 30 us a message costs, short against a resume. */
const JOB_MS = 4
const MAX_JOB = 64

/** Runs a placed stage in its workers, which live as long as the run. */
export async function poolRunner(
  stage: PlacedStage,
  replaces: boolean,
  context: OpenContext,
): Promise<Runner> {
  const pool = await poolOf(stage, { replaces }, context)
  context.knob(pinned('workers', pool.width))
  return new PoolRunner(pool, context)
}

class PoolRunner implements Runner {
  readonly width: number
  readonly #pool: WorkPool
  readonly #context: OpenContext
  #group = 1

  constructor(pool: WorkPool, context: OpenContext) {
    this.width = 2 * pool.width // one job waits at each worker, so that it never waits for this thread
    this.#pool = pool
    this.#context = context
  }

  group(): number {
    return this.#group
  }

  lane(desk: Desk, lane: number): void {
    void this.#work(desk, lane)
  }

  async #work(desk: Desk, lane: number): Promise<void> {
    const key = this.#context.localKey()
    for (;;) {
      const run = desk.takeRun(this.#group)
      if (run === undefined) break
      try {
        const result = await this.#pool.run({ ...run, key })
        this.#note(result, run.items.length)
        bring(desk, run, result)
      } catch (error) {
        desk.fail({ ordinal: run.first, element: run.items[0], error, attempts: 1 })
      }
    }
    desk.park(lane)
  }

  #note({ start, end, lane, drew }: JobResult, n: number): void {
    if (drew === true) this.#context.drew()
    const ms = (end - start) / n
    const fitting = Math.max(1, Math.round(JOB_MS / Math.max(ms, 0.001)))
    this.#group = Math.min(MAX_JOB, 2 * this.#group, fitting)
    this.#context.meter.busy(start, n, lane, end)
  }
}

function bring(desk: Desk, { first, items }: Run, { values, failed }: JobResult): void {
  for (let k = 0; k < values.length; k++) desk.put(first + k, values[k])
  if (failed === undefined) return
  const at = values.length
  const rest = items.slice(at + 1)
  if (rest.length > 0) desk.giveBack({ first: first + at + 1, items: rest })
  desk.fail({ ordinal: first + at, element: items[at], error: failed.error, attempts: 1 })
}

/**
 * The same under a policy: elements go one by one, each with limit, retries and all. Time runs from when a worker
 * begins with an element, so the pool watches it.
 */
export async function pooledPolicyRunner(
  stage: PlacedStage,
  { timeout, ...policy }: CallPolicy,
  replaces: boolean,
  context: OpenContext,
): Promise<Runner> {
  const again = policy.retry.attempts > 1
  const pool = await poolOf(stage, { replaces: replaces || again }, context)
  const key = context.localKey()
  const invoke = async (x: unknown, first: number): Promise<unknown> => {
    const { values, failed, drew } = await pool.run({ items: [x], first, key, timeout })
    if (drew === true) context.drew()
    if (failed !== undefined) throw failed.error
    return values[0]
  }
  const parallelism = policy.parallelism === 'auto' ? 2 * pool.width : policy.parallelism
  return policyRunner(invoke, { ...policy, timeout: undefined, parallelism }, context)
}

function poolOf(stage: PlacedStage, how: PoolOptions, context: OpenContext): Promise<WorkPool> {
  return context.perRun(() => leaseOf(stage, how, context.signal)).pool
}

function leaseOf(
  stage: PlacedStage,
  how: PoolOptions,
  signal: AbortSignal,
): { pool: Promise<WorkPool>; close(): Promise<void> } {
  const pool = stage.open(signal, how)
  return {
    pool,
    close: async () => {
      const opened = await pool.catch(() => undefined) // whoever awaited the pool has thrown the error
      await opened?.close()
    },
  }
}
