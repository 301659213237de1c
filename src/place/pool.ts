import { CallTimeoutError, ClosedError, WorkerDiedError, messageOf } from '../errors/index.ts'
import type { Job, JobResult, WorkPool } from '../stream/pool.ts'
import { Worker, type Lost, type WorkerOptions } from './worker.ts'

/** Jobs a worker holds at once: one at work and one at hand, so that it never waits for the coordinator. */
const depth = 2

/** Starts of a replacement that may fail before the run does. */
const STARTS = 3

/** Where a worker works. When it dies another one takes its place. */
interface Seat {
  readonly number: number
  worker: Worker
  /** False while a replacement starts. */
  ready: boolean
  /** Settles when the replacement is ready, or given up. */
  arrival: Promise<void>
  /** Jobs given to it. */
  load: number
  /** It is examining a job, and gets no other. */
  kept: boolean
}

interface Waiting {
  readonly take: (seat: Seat) => void
  readonly drop: (error: unknown) => void
}

/** Starts `count` workers for one stage; rejects, with all of them ended, when one cannot work. */
export async function openPool(
  count: number,
  options: WorkerOptions,
  signal: AbortSignal,
): Promise<WorkPool> {
  signal.throwIfAborted()
  const pool = new Pool(count, options, signal)
  await pool.begin()
  return pool
}

/**
 * Jobs for the workers of a stage. Work is a function of the elements alone: jobs that waited in a worker that died go
 * to another. The job at work is examined: its elements go one by one to a worker that does nothing else, and one
 * that ends a fresh worker by itself is what did it.
 */
class Pool implements WorkPool {
  width: number
  readonly #options: WorkerOptions
  readonly #signal: AbortSignal
  readonly #seats: Seat[]
  readonly #waiting: Waiting[] = []
  /** Deaths since the last result. */
  #deaths = 0
  /** Why nothing can be worked on any more. */
  #over: WorkerDiedError | undefined
  #overTold = false
  #closed: Promise<void> | undefined
  readonly #onAbort = (): void => {
    for (const { worker } of this.#seats) worker.abort()
    this.#drop(this.#signal.reason)
  }

  constructor(count: number, options: WorkerOptions, signal: AbortSignal) {
    this.width = count
    this.#options = options
    this.#signal = signal
    this.#seats = Array.from({ length: count }, (_, i) => this.#seat(i + 1))
  }

  /** Resolves when all workers are ready. */
  async begin(): Promise<void> {
    const started = await Promise.allSettled(this.#seats.map(({ worker }) => worker.ready))
    const failure = started.find((each) => each.status === 'rejected')
    if (failure) {
      await Promise.allSettled(this.#seats.map(({ worker }) => worker.finish()))
      throw failure.reason
    }
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#signal.aborted) this.#onAbort()
  }

  async run(job: Job): Promise<JobResult> {
    for (let first = false; ; first = true) {
      this.#check()
      const seat = this.#take(first) ?? (await this.#turn(first))
      const done = await this.#runAt(seat, job)
      if (!('death' in done)) return done
      this.#check(done.death)
      if (done.late) return lateness(job, seat)
      if (done.atWork) return this.#examine(seat, job)
    }
  }

  async resize(width: number): Promise<void> {
    if (this.#closed !== undefined || this.#over !== undefined) return
    this.width = width
    while (this.#seats.length < width) {
      const seat = this.#seat(this.#seats.length + 1)
      this.#seats.push(seat)
      seat.arrival = this.#settle(seat)
    }
    this.#next()
    await Promise.all(this.#seats.map(({ arrival }) => arrival))
  }

  waits(): string | undefined {
    const busy = this.#seats.flatMap(({ worker }) => worker.work ?? [])
    return busy.length === 0 ? undefined : busy.join(', ')
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#drop(new ClosedError('the run ended before this job began'))
    const ends = await Promise.allSettled(this.#seats.map(({ worker }) => worker.finish()))
    await Promise.all(this.#seats.map(({ arrival }) => arrival))
    const failure = ends.find((end) => end.status === 'rejected')
    if (failure) throw failure.reason
    if (this.#over && !this.#overTold) throw this.#over
  }

  #seat(number: number): Seat {
    const seat: Seat = {
      number,
      worker: new Worker(number, this.#options, (lost) => this.#mourn(seat, lost)),
      ready: true,
      arrival: Promise.resolve(),
      load: 0,
      kept: false,
    }
    return seat
  }

  /** Room for a job, if there is any; `first`: also before those that wait. */
  #take(first: boolean): Seat | undefined {
    if (this.#waiting.length > 0 && !first) return undefined
    const seat = this.#free()
    if (seat !== undefined) seat.load++
    return seat
  }

  async #turn(first: boolean): Promise<Seat> {
    const seat = await new Promise<Seat>((take, drop) => {
      if (first) this.#waiting.unshift({ take, drop })
      else this.#waiting.push({ take, drop })
    })
    this.#check()
    return seat
  }

  #free(): Seat | undefined {
    let best: Seat | undefined
    for (const seat of this.#seats) {
      if (seat.number > this.width) break
      if (seat.ready && !seat.kept && seat.load < (best?.load ?? depth)) best = seat
    }
    return best
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const seat = this.#free()
      if (seat === undefined) return
      seat.load++
      this.#waiting.shift()?.take(seat)
    }
  }

  async #runAt(seat: Seat, job: Job): Promise<JobResult | Lost> {
    try {
      const done = await seat.worker.run(job)
      if (!('death' in done)) this.#deaths = 0
      return done
    } finally {
      seat.load--
      this.#next()
    }
  }

  /** What becomes of a job that a worker died of, or with. */
  async #examine(seat: Seat, job: Job): Promise<JobResult> {
    const values: unknown[] = []
    let [drew, start] = [false, performance.now()]
    const result = (failed?: JobResult['failed']): JobResult => {
      const { lane } = seat.worker
      return { values, drew, start, end: performance.now(), lane, ...(failed && { failed }) }
    }
    try {
      while (values.length < job.items.length) {
        await seat.arrival
        this.#check()
        const k = values.length
        const alone = seat.worker.fresh
        start = performance.now()
        // Nothing is lent: what came of several answers is returned as one.
        const { items, first, key, timeout } = job
        const done = await seat.worker.run({ items: [items[k]], first: first + k, key, timeout })
        if ('death' in done) {
          this.#check(done.death)
          if (done.late) return result(lateness(job, seat).failed)
          if (alone) return result({ error: done.death })
        } else {
          this.#deaths = 0
          drew ||= done.drew === true
          if (done.failed) return result(done.failed)
          values.push(done.values[0])
        }
      }
      return result()
    } finally {
      seat.kept = false
      this.#next()
    }
  }

  /** A worker died. Comes before anybody knows who waits for one of its jobs. */
  #mourn(seat: Seat, { death, atWork, late }: Lost): void {
    if (this.#closed !== undefined || this.#signal.aborted) {
      this.#over ??= death
      return
    }
    if (this.#over !== undefined) return
    // Workers that were ended for their timeout pace themselves.
    if (!late && !this.#options.replaces) return this.#end(death)
    if (!late && ++this.#deaths > this.#options.maxDeaths) return this.#end(this.#endless(death))
    seat.kept = atWork && !late
    seat.arrival = this.#replace(seat)
  }

  /** A worker that joins the others while they work. Never rejects. */
  async #settle(seat: Seat): Promise<void> {
    seat.ready = false
    try {
      await seat.worker.ready
      seat.ready = true
      if (this.#signal.aborted) seat.worker.abort()
      this.#next()
    } catch {
      await seat.worker.ended
      await this.#replace(seat) // which tells why, if no other can be started either
    }
  }

  /** Never rejects. */
  async #replace(seat: Seat): Promise<void> {
    seat.ready = false
    for (let tries = 1; this.#closed === undefined && this.#over === undefined; tries++) {
      seat.worker = new Worker(seat.number, this.#options, (lost) => this.#mourn(seat, lost))
      try {
        await seat.worker.ready
        seat.ready = true
        if (this.#signal.aborted) seat.worker.abort()
        this.#next()
        return
      } catch (error) {
        await seat.worker.finish()
        if (tries === STARTS) this.#end(this.#unreplaced(seat, error))
      }
    }
  }

  #endless(cause: WorkerDiedError): WorkerDiedError {
    const { address, maxDeaths } = this.#options
    return new WorkerDiedError(
      `workers of ${address.label} died ${maxDeaths + 1} times without a result between. The last: ${messageOf(cause)}`,
      { cause },
    )
  }

  #unreplaced({ worker }: Seat, cause: unknown): WorkerDiedError {
    const { label } = this.#options.address
    return new WorkerDiedError(
      `${worker.lane} of ${label} died and could not be replaced, ${STARTS} starts failed: ${messageOf(cause)}`,
      { cause },
    )
  }

  #end(why: WorkerDiedError): void {
    this.#over = why
    this.#drop(why)
  }

  /** @throws what ended the pool, or the run; `death`: of the job's own worker. */
  #check(death?: WorkerDiedError): void {
    if (this.#over !== undefined) {
      this.#overTold = true
      throw this.#over
    }
    this.#signal.throwIfAborted()
    if (this.#closed === undefined) return
    throw death ?? new ClosedError('the stage was used after its run ended')
  }

  #drop(error: unknown): void {
    if (error === this.#over && this.#waiting.length > 0) this.#overTold = true
    for (const { drop } of this.#waiting.splice(0)) drop(error)
  }
}

/** A job that took longer than its timeout; its worker was ended. */
function lateness({ timeout = 0 }: Job, { worker }: Seat): JobResult {
  const now = performance.now()
  const failed = { error: new CallTimeoutError(timeout) }
  return { values: [], failed, start: now - timeout, end: now, lane: worker.lane }
}
