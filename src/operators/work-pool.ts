import { setMaxListeners } from 'node:events'
import { ClosedError } from '../errors/index.ts'
import type { CallPolicy } from '../limit/calls.ts'
import type { OpenContext } from '../stream/operator.ts'
import type { Loan } from '../stream/loan.ts'
import type { Job, JobResult, PlacedStage, PoolOptions, WorkPool } from '../stream/pool.ts'
import { type Knob, type KnobRange, pinned } from '../stream/tuning.ts'
import { policyRunner } from './work-calls.ts'
import type { Desk, Run, Runner } from './work.ts'

/** Milliseconds a job of threads should take: long against the 30 us a message costs, short against a resume. */
const JOB_MS = 4
/** Elements of a job at most. */
const MAX_JOB = 1024
/** The same where nobody knows how large they are. */
const MAX_UNKNOWN = 64
/** How full of a job's elements the memory should be that they go through: they may differ in size. */
const FILLED = 0.5

/** Runs a placed stage in its workers, which live as long as the run; `loan`: how results may be lent. */
export async function poolRunner(
  stage: PlacedStage,
  replaces: boolean,
  context: OpenContext,
  loan: Loan | undefined,
): Promise<Runner> {
  const tuned = stage.auto === true ? context.knob(ANY) : undefined
  const workers = tuned === undefined ? {} : { workers: tuned.value }
  const pool = await poolOf(stage, { replaces, ...workers }, context)
  context.meter.lanes(pool.width)
  const said = pool.resize === undefined ? undefined : pinned('workers', pool.width)
  const knob = tuned ?? (said && context.knob(said))
  return new PoolRunner(pool, { knob, context, loan })
}

/** Results that were lent, up to an ordinal. */
interface Lent {
  readonly end: number
  readonly release: () => void
}

/** As many workers as there are cores for them; the run knows how many. */
const ANY: KnobRange = { unit: 'workers', start: Infinity, least: 1, most: Infinity }

interface PoolRunnerParts {
  readonly knob: Knob | undefined
  readonly context: OpenContext
  readonly loan: Loan | undefined
}

class PoolRunner implements Runner {
  readonly #pool: WorkPool
  /** Of workers on this machine; others come and go by themselves. */
  readonly #knob: Knob | undefined
  readonly #context: OpenContext
  readonly #lend: Job['lend']
  readonly #stopped = new AbortController()
  #lent: Lent[] = []
  /** Share of the memory that an element needs; 0 while it is not known. */
  #filledByOne = 0
  #group = 1

  constructor(pool: WorkPool, { knob, context, loan }: PoolRunnerParts) {
    this.#pool = pool
    this.#knob = knob
    this.#context = context
    this.#lend = loan && (loan.checked ? 'checked' : 'inPlace')
    setMaxListeners(0, this.#stopped.signal) // each job may listen
  }

  /** One job waits at each worker, so that it never waits for this thread. */
  get width(): number {
    return 2 * (this.#knob?.value ?? this.#pool.width)
  }

  group(): number {
    return this.#group
  }

  stop(): void {
    this.#stopped.abort(new ClosedError('the stage was stopped'))
  }

  /** What is lent occupies memory of the workers, of which there is not much. */
  room(): number | undefined {
    return this.#lend === undefined ? undefined : 2 * this.width * this.#group
  }

  reuse(ordinal: number): void {
    if (this.#lent.length === 0) return
    const over = this.#lent.filter(({ end }) => end <= ordinal)
    this.#lent = this.#lent.filter(({ end }) => end > ordinal)
    for (const { release } of over) release()
  }

  waits(): string | undefined {
    return this.#pool.waits?.()
  }

  lane(desk: Desk, lane: number): void {
    void this.#work(desk, lane)
  }

  async #work(desk: Desk, lane: number): Promise<void> {
    const key = this.#context.localKey()
    const lend = this.#lend && { lend: this.#lend }
    while (desk.active <= this.width) {
      this.#resize()
      const run = desk.takeRun(this.#group)
      if (run === undefined) break
      try {
        const result = await this.#pool.run({ ...run, key, ...lend }, this.#stopped.signal)
        this.#note(result, run)
        bring(desk, run, result)
      } catch (error) {
        desk.fail({ ordinal: run.first, element: run.items[0], error, attempts: 1 })
      }
    }
    desk.park(lane)
  }

  /** Follows the knob. */
  #resize(): void {
    const { width } = this.#pool
    const { value = width } = this.#knob ?? {}
    if (value === width) return
    const effect = this.#pool.resize?.(value)
    if (effect !== undefined) this.#knob?.awaits(effect)
  }

  #note(result: JobResult, { first, items }: Run): void {
    const { start, end, lane, drew, release, values } = result
    if (drew === true) this.#context.drew()
    if (release !== undefined) this.#lent.push({ end: first + values.length, release })
    const n = items.length
    const byTime = (this.#pool.jobMs ?? JOB_MS) / Math.max((end - start) / n, 0.001)
    const bySize = this.#bySize(result, n)
    this.#group = Math.max(1, Math.floor(Math.min(bySize, 2 * this.#group, byTime)))
    this.#context.meter.busy(start, n, lane, end, first)
  }

  #bySize({ filled = 0, cloned }: JobResult, n: number): number {
    const { meter } = this.#context
    if (cloned !== undefined) meter.detour('kind', cloned)
    if (filled > 1 && n === 1) meter.detour('size', 'an element or its result')
    if (filled > 0) this.#filledByOne = filled / n
    if (this.#filledByOne === 0) return MAX_UNKNOWN
    return Math.min(MAX_JOB, FILLED / this.#filledByOne)
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
  const runner = policyRunner(invoke, { ...policy, timeout: undefined, parallelism }, context)
  return Object.assign(runner, { waits: () => pool.waits?.() })
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
