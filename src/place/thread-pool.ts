import { ClosedError, type WorkerDiedError } from '../errors/index.ts'
import type { Job, JobResult, WorkPool } from '../stream/pool.ts'
import { Thread, type ThreadOptions } from './thread.ts'

/** Jobs a thread holds at once: one at work and one at hand, so that it never waits for the coordinator. */
const depth = 2

interface Waiting {
  readonly job: Job
  resolve(result: Promise<JobResult>): void
  reject(error: unknown): void
}

/** Starts `count` threads for one stage; rejects, with all of them ended, when one cannot work. */
export async function openThreads(
  count: number,
  options: ThreadOptions,
  signal: AbortSignal,
): Promise<WorkPool> {
  signal.throwIfAborted()
  const threads = Array.from({ length: count }, (_, i) => new Thread(i + 1, options))
  const started = await Promise.allSettled(threads.map((thread) => thread.ready))
  const failure = started.find((each) => each.status === 'rejected')
  if (!failure) return new ThreadPool(threads, signal)
  await Promise.allSettled(threads.map((thread) => thread.finish()))
  throw failure.reason
}

class ThreadPool implements WorkPool {
  readonly width: number
  readonly #threads: readonly Thread[]
  readonly #signal: AbortSignal
  readonly #waiting: Waiting[] = []
  /** The first thread that died takes the run with it. */
  #death: WorkerDiedError | undefined
  #deathTold = false
  #closed: Promise<void> | undefined
  readonly #onAbort = (): void => {
    for (const thread of this.#threads) thread.abort()
    this.#drop(this.#signal.reason)
  }

  constructor(threads: readonly Thread[], signal: AbortSignal) {
    this.width = threads.length
    this.#threads = threads
    this.#signal = signal
    for (const thread of threads) void thread.ended.then((death) => this.#mourn(death))
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (signal.aborted) this.#onAbort()
  }

  async run(job: Job): Promise<JobResult> {
    if (this.#closed) throw new ClosedError('the stage was used after its run ended')
    this.#signal.throwIfAborted()
    if (this.#death) throw this.#tell(this.#death)
    const thread = this.#idlest()
    if (thread.load < depth) return this.#runOn(thread, job)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#drop(new ClosedError('the run ended before this job began'))
    const ends = await Promise.allSettled(this.#threads.map((thread) => thread.finish()))
    const failure = ends.find((end) => end.status === 'rejected')
    if (failure) throw failure.reason
    if (this.#death && !this.#deathTold) throw this.#death
  }

  async #runOn(thread: Thread, job: Job): Promise<JobResult> {
    try {
      return await thread.run(job)
    } catch (error) {
      this.#deathTold = true
      throw error
    } finally {
      this.#next()
    }
  }

  #next(): void {
    if (this.#death || this.#waiting.length === 0) return
    const thread = this.#idlest()
    if (thread.load >= depth) return
    const waiting = this.#waiting.shift()
    waiting?.resolve(this.#runOn(thread, waiting.job))
  }

  #idlest(): Thread {
    return this.#threads.reduce((best, thread) => (thread.load < best.load ? thread : best))
  }

  #mourn(death: WorkerDiedError | undefined): void {
    if (!death) return
    this.#death ??= death
    if (this.#waiting.length > 0) this.#drop(this.#tell(death))
  }

  #tell(death: WorkerDiedError): WorkerDiedError {
    this.#deathTold = true
    return death
  }

  #drop(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}
