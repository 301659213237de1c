import {
  ClosedError,
  ClusterError,
  DataError,
  messageOf,
  RunStoppedError,
  WorkerDiedError,
} from '../errors/index.ts'
import { decodeError } from '../place/error-codec.ts'
import type { Job, JobResult, WorkPool } from '../stream/pool.ts'
import { Chunks } from './chunks.ts'
import type { Code } from './code.ts'
import { unwire, wire, type Wired } from './codec.ts'
import type { Control, DoneMessage, News, StageBeat, StageDescription } from './messages.ts'
import type { Session, SessionStage } from './session.ts'

/** A message through a broker costs about 2 ms: jobs are long against that. */
const JOB_MS = 50
/** Bytes that a message carries well. */
const JOB_BYTES = 256 * 1024
/** Parts of a job over which workers died. */
const SPLIT = 8
/** Milliseconds that other workers get to come where some have refused. */
const REFUSED_MS = 2_000
/** Milliseconds of silence, with chunks under way, before a person is told. */
const SILENCE_MS = 60_000

export interface StageParts {
  readonly session: Session
  /** Gives the session back. */
  readonly release: () => Promise<void>
  /** Ends the run. */
  readonly signal: AbortSignal
  /** Such as `stages.ts#embed`. */
  readonly name: string
  readonly key: string
  readonly code: Code
  readonly config: unknown
  readonly labels: readonly string[]
  /** Chunks worked on at once; undefined for as many as there are workers. */
  readonly workers: number | undefined
  readonly ackWait: number
  readonly maxDeliveries: number
  readonly replicas: number
  /** Milliseconds that a first worker gets to come. */
  readonly patience: number
}

/** The workers of one stage, wherever they are. Their results come in any order; the work edge restores it. */
export class ClusterPool implements WorkPool, SessionStage {
  readonly jobMs = JOB_MS
  readonly #parts: StageParts
  readonly #number: number
  readonly #chunks: Chunks
  readonly #config: Wired
  /** Workers that serve the stage, and how many chunks each works on at once. */
  readonly #workers = new Map<string, number>()
  /** Why workers do not serve it. */
  readonly #refusals = new Map<string, string>()
  #heard = performance.now()
  #warned = false
  /** Why no new work is taken on. */
  #ended: { readonly reason: unknown } | undefined
  #onNews: (() => void) | undefined
  readonly #onAbort = (): void => this.#end(this.#parts.signal.reason)

  constructor(parts: StageParts, number: number) {
    this.#parts = parts
    this.#number = number
    this.#chunks = new Chunks(parts.session, number, parts)
    this.#config = wire([parts.config])
  }

  /**
   * Makes the queue, and waits for a first worker.
   *
   * @throws ClusterError when none comes in time; the message says why those that are there refused.
   */
  async open(): Promise<void> {
    const { signal, session } = this.#parts
    signal.throwIfAborted()
    signal.addEventListener('abort', this.#onAbort, { once: true })
    await this.#chunks.prepare()
    session.beat()
    await this.#firstWorker(signal)
  }

  get width(): number {
    let slots = 0
    for (const each of this.#workers.values()) slots += each
    return this.#parts.workers ?? Math.max(1, slots)
  }

  async run(job: Job, unwanted?: AbortSignal): Promise<JobResult> {
    if (this.#ended !== undefined) throw this.#ended.reason
    let items: Wired
    try {
      items = wire(job.items)
    } catch (cause) {
      return this.#runUpToUnsendable(job, cause, unwanted)
    }
    const { done, begun, bytes } = await this.#chunks.submit(job, items, unwanted)
    if (done.verdict === 'split') return this.#inParts(job, unwanted)
    const { drew, start, end, worker: lane, failed } = done
    // One element of any size goes through; only jobs of several are made shorter.
    const filled = job.items.length === 1 ? Math.min(1, bytes / JOB_BYTES) : bytes / JOB_BYTES
    const result = { values: unwire(done.values), drew, start, end, lane, filled }
    if (done.verdict === 'poison') {
      return { ...result, failed: { error: this.#poison(job, done, begun) } }
    }
    return failed === undefined ? result : { ...result, failed: { error: decodeError(failed) } }
  }

  async close(): Promise<void> {
    this.#parts.signal.removeEventListener('abort', this.#onAbort)
    this.#end(new ClosedError('the stage was used after its run ended'))
    this.#parts.session.remove(this.#number)
    await this.#parts.release()
  }

  beat(number: number): StageBeat {
    const { name, labels } = this.#parts
    const { open, done } = this.#chunks
    return { number, name, labels, workers: [...this.#workers.keys()], open, done }
  }

  describe(): StageDescription {
    const { code, key, name, maxDeliveries, ackWait } = this.#parts
    return { code, key, name, config: this.#config, maxDeliveries, ackWait, now: performance.now() }
  }

  news({ worker, what, slots = 1, why = '', id = '' }: News): void {
    this.#heard = performance.now()
    if (what === 'joined') this.#workers.set(worker, slots)
    else if (what === 'left') this.#workers.delete(worker)
    else if (what === 'refused') this.#refusals.set(worker, why)
    else this.#chunks.begun(id, worker)
    this.#onNews?.()
  }

  done(message: DoneMessage, bytes: number): void {
    this.#heard = performance.now()
    this.#chunks.bring(message, bytes)
  }

  control({ action }: Control): void {
    const { run } = this.#parts.session
    const reason = new RunStoppedError(
      `millstream cluster ${action} ${run} asked the run to stop; run it again to go on`,
    )
    if (action === 'cancel') this.#end(reason)
    else this.#ended ??= { reason } // what is under way is brought to its end
  }

  check(why: 'returned' | 'beat'): void {
    if (this.#chunks.open === 0) {
      this.#heard = performance.now()
      return
    }
    const silent = performance.now() - this.#heard
    if (why === 'returned' || silent > 2 * this.#parts.ackWait) this.#chunks.doubt()
    if (silent > SILENCE_MS && !this.#warned) this.#warn()
  }

  /** Ends all that is under way with an error. */
  #end(reason: unknown): void {
    this.#ended ??= { reason }
    this.#chunks.giveUp(reason)
  }

  #warn(): void {
    this.#warned = true
    process.emitWarning(
      `no worker of ${this.#parts.name} was heard for ${SILENCE_MS / 1000} s; its chunks wait for one: millstream worker`,
      'MillstreamWarning',
    )
  }

  async #firstWorker(signal: AbortSignal): Promise<void> {
    const { patience } = this.#parts
    const start = performance.now()
    for (;;) {
      signal.throwIfAborted()
      if (this.#workers.size > 0) return
      const limit = this.#refusals.size > 0 ? Math.min(REFUSED_MS, patience) : patience
      const left = limit - (performance.now() - start)
      if (left <= 0) throw this.#nobody()
      await this.#newsWithin(left, signal)
    }
  }

  async #newsWithin(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#onNews = () => {
        clearTimeout(timer)
        resolve()
      }
      signal.addEventListener('abort', this.#onNews, { once: true })
    })
    if (this.#onNews !== undefined) signal.removeEventListener('abort', this.#onNews)
    this.#onNews = undefined
  }

  #nobody(): ClusterError {
    const { name, labels, session, patience } = this.#parts
    if (this.#refusals.size > 0) {
      const reasons = [...this.#refusals].map(([worker, why]) => `${worker}: ${why}`)
      return new ClusterError(`all workers refused ${name}. ${reasons.join('. ')}`)
    }
    const flags = labels.length === 0 ? '' : ` --labels ${labels.join(',')}`
    return new ClusterError(
      `no worker came for ${name} within ${patience / 1000} s. On each machine: millstream worker --nats ` +
        `${session.broker.server}${flags}`,
    )
  }

  /** Workers died over the job: in smaller ones the element is found that they die of, if it was one. */
  async #inParts({ items, first, key, timeout }: Job, unwanted?: AbortSignal): Promise<JobResult> {
    const size = Math.ceil(items.length / SPLIT)
    const starts = items.flatMap((_, k) => (k % size === 0 ? [k] : []))
    const parts = await Promise.all(
      starts.map((k) =>
        this.run({ items: items.slice(k, k + size), first: first + k, key, timeout }, unwanted),
      ),
    )
    const failing = parts.findIndex(({ failed }) => failed !== undefined)
    const counted = failing < 0 ? parts : parts.slice(0, failing + 1)
    const last = counted.at(-1)
    if (last === undefined) throw new RangeError('a job without elements')
    return {
      ...last,
      values: counted.flatMap(({ values }) => values),
      drew: counted.some(({ drew }) => drew === true),
      start: Math.min(...counted.map(({ start }) => start)),
    }
  }

  #poison({ first }: Job, done: DoneMessage, begun: readonly string[]): WorkerDiedError {
    const { name, maxDeliveries } = this.#parts
    const who = begun.length === 0 ? '' : ` (${[...new Set(begun)].join(', ')})`
    const cause = done.failed && decodeError(done.failed)
    const last = cause === undefined ? '' : `; the last time: ${messageOf(cause)}`
    return new WorkerDiedError(
      `element ${first} of ${name} went to workers ${maxDeliveries} times${who} and none brought a result: it kills ` +
        `them, or they stop answering${last}. Try it alone, inline`,
      { replaced: true, ...(cause !== undefined && { cause }) },
    )
  }

  async #runUpToUnsendable(job: Job, cause: unknown, unwanted?: AbortSignal): Promise<JobResult> {
    const at = job.items.findIndex((item) => !isSendable(item))
    if (at < 0) throw cause
    const now = performance.now()
    const before: JobResult =
      at === 0
        ? { values: [], start: now, end: now, lane: 'run' }
        : await this.run({ ...job, items: job.items.slice(0, at) }, unwanted)
    const error = new DataError(
      `the input of ${this.#parts.name} cannot be sent to another machine: ${messageOf(cause)}`,
      { cause },
    )
    return before.failed ? before : { ...before, failed: { error } }
  }
}

function isSendable(item: unknown): boolean {
  try {
    wire([item])
    return true
  } catch {
    return false // that it cannot be wired is the answer
  }
}
