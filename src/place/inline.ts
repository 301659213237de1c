import { ClosedError } from '../errors/index.ts'
import type { Place } from '../stage/placed.ts'
import type { StageRecord } from '../stage/record.ts'
import { openRunner, type Runner } from '../stage/runner.ts'
import type { Job, JobResult, WorkPool } from '../stream/pool.ts'
import { runItems } from './run-job.ts'

/**
 * This thread as a place: a stage with its setup and teardown around each run, for tests and for pipelines
 * that take their place as a parameter. The stage needs no address.
 */
export const inline: Place = {
  name: 'inline',
  async open(stage: StageRecord, signal: AbortSignal): Promise<WorkPool> {
    return new InlinePool(await openRunner(stage), signal)
  },
}

class InlinePool implements WorkPool {
  readonly width = 1
  readonly #runner: Runner
  readonly #signal: AbortSignal
  /** The work under way; jobs follow each other as on a thread of its own. */
  #last: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(runner: Runner, signal: AbortSignal) {
    this.#runner = runner
    this.#signal = signal
  }

  run(job: Job): Promise<JobResult> {
    if (this.#closed)
      return Promise.reject(new ClosedError('the stage was used after its run ended'))
    const result = this.#last.then(() => this.#work(job))
    this.#last = result
    return result
  }

  close(): Promise<void> {
    this.#closed ??= this.#last.then(() => this.#runner.close())
    return this.#closed
  }

  async #work(job: Job): Promise<JobResult> {
    const start = performance.now()
    const outcome = await runItems(this.#runner, job, this.#signal)
    return { ...outcome, start, end: performance.now(), lane: 'inline' }
  }
}
