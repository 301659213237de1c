import { MessageChannel, Worker } from 'node:worker_threads'
import { DataError, StageAddressError, WorkerDiedError, messageOf } from '../errors/index.ts'
import type { StageAddress } from '../stage/address.ts'
import { tsxNeededFor } from '../stage/load.ts'
import type { Job, JobResult } from '../stream/pool.ts'
import { portChannel } from './channel.ts'
import { isCloneable } from './cloneable.ts'
import { decodeError } from './error-codec.ts'
import {
  sharedNow,
  type CoordinatorEnd,
  type FromWorker,
  type ToWorker,
  type WorkerStart,
} from './protocol.ts'
import { makeRings } from './ring/rings.ts'
import { Receiver } from './ring/receiver.ts'
import { Sender } from './ring/sender.ts'

/** What a thread runs, and how it is started. */
export interface ThreadOptions {
  readonly address: StageAddress
  readonly config: unknown
  /** Bytes of one slot of the memory that it shares with this thread. */
  readonly slotBytes: number
  /** Milliseconds that jobs under way get to end once the run is closed. */
  readonly settleLimit: number
  /** Milliseconds that the thread gets to end by itself after its teardown. */
  readonly exitLimit: number
}

interface Pending {
  readonly job: Job
  resolve(result: JobResult): void
  reject(error: Error): void
}

/** One worker thread, as the coordinator sees it. */
export class Thread {
  readonly lane: string
  /** Settles when the thread is ready; rejects when its stage cannot be imported or set up. */
  readonly ready: Promise<void>
  /** Settles when the thread is gone and its last message was received; with the reason, if it died. */
  readonly ended: Promise<WorkerDiedError | undefined>
  readonly #options: ThreadOptions
  readonly #worker: Worker
  readonly #channel: CoordinatorEnd
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #jobs = new Map<number, Pending>()
  #nextId = 0
  #state: 'starting' | 'unfit' | 'ready' | 'finishing' = 'starting'
  #bye: Extract<FromWorker, { type: 'bye' }> | undefined
  #crash: unknown
  #killedFor: string | undefined
  #becomeReady!: () => void
  #refuse!: (error: Error) => void
  #becomeIdle: (() => void) | undefined

  constructor(number: number, options: ThreadOptions) {
    this.lane = `thread ${number}`
    this.#options = options
    const { port1, port2 } = new MessageChannel()
    const rings = makeRings(options.slotBytes)
    this.#sender = new Sender(rings?.jobs)
    this.#receiver = new Receiver(rings?.results)
    this.#channel = portChannel<ToWorker, FromWorker>(port1)
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve
      this.#refuse = reject
    })
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: `${options.address.label} ${number}`,
      workerData: startOf(options, port2, rings),
      transferList: [port2],
      // Threads inherit the process's flags; this one, of programs given as text, they refuse.
      ...(process.execArgv.some((flag) => flag.startsWith('--input-type')) && { execArgv: [] }),
    })
    const exited = new Promise<number>((resolve) => {
      this.#worker.once('exit', resolve)
    })
    this.#worker.once('error', (error) => {
      this.#crash = error
    })
    this.#channel.receive(
      (message) => {
        this.#receive(message)
      },
      (error) => void this.#kill(`its answer cannot be read: ${error.message}`),
    )
    this.ended = Promise.all([exited, this.#channel.closed]).then(([code]) => this.#end(code))
  }

  /** How many jobs it has. */
  get load(): number {
    return this.#jobs.size
  }

  /** Rejects only when the thread dies. */
  async run(job: Job): Promise<JobResult> {
    const { wired, transfer } = this.#sender.pack(job.items)
    const { first, key } = job
    const id = this.#nextId++
    try {
      this.#channel.send({ type: 'job', id, first, key, items: wired }, transfer)
    } catch (error) {
      this.#sender.drop(wired)
      return this.#runUpToUnsendable(job, error)
    }
    return new Promise((resolve, reject) => {
      if (this.#jobs.size === 0) this.#hold(true)
      this.#jobs.set(id, { job, resolve, reject })
    })
  }

  /** Tells the stage, by its `local.signal`, that the run stops. */
  abort(): void {
    this.#channel.send({ type: 'abort' })
  }

  /** Lets jobs end, tears the stage down and waits until the thread is gone. Rejects when teardown failed. */
  async finish(): Promise<void> {
    if (this.#state === 'ready') {
      this.#state = 'finishing'
      await this.#settle()
      await this.#exit()
    }
    await this.ended
    if (this.#bye?.failed) {
      const cause = decodeError(this.#bye.failed)
      const { label } = this.#options.address
      throw new WorkerDiedError(`teardown of ${label} failed: ${messageOf(cause)}`, { cause })
    }
  }

  async #settle(): Promise<void> {
    if (this.#jobs.size === 0) return
    const idle = new Promise<void>((resolve) => {
      this.#becomeIdle = resolve
    })
    const { settleLimit } = this.#options
    if (!(await within(idle, settleLimit))) {
      await this.#kill(`it was still at work ${settleLimit / 1000} s after the run was closed`)
    }
  }

  async #exit(): Promise<void> {
    this.#hold(true)
    this.#channel.send({ type: 'finish' })
    const { exitLimit, address } = this.#options
    if (await within(this.ended, exitLimit)) return
    const open = this.#bye?.open.join(', ')
    const reason = open === undefined ? 'its teardown did not end' : `it left open: ${open}`
    process.emitWarning(
      `${this.lane} of ${address.label} was terminated ${exitLimit / 1000} s after the run: ${reason}. ` +
        'Close what the stage opened in its teardown.',
      'MillstreamWarning',
    )
    await this.#kill(reason)
  }

  async #kill(reason: string): Promise<void> {
    this.#killedFor = reason
    await this.#worker.terminate()
  }

  #receive(message: FromWorker): void {
    if (message.type === 'result') this.#settleJob(message)
    else if (message.type === 'bye') this.#bye = message
    else if (message.type === 'unfit') this.#unfit(message)
    else {
      this.#state = 'ready'
      this.#hold(false)
      this.#becomeReady()
    }
  }

  #settleJob(message: Extract<FromWorker, { type: 'result' }>): void {
    const pending = this.#jobs.get(message.id)
    this.#jobs.delete(message.id)
    if (this.#jobs.size === 0) {
      if (this.#state === 'ready') this.#hold(false)
      this.#becomeIdle?.()
    }
    pending?.resolve({
      values: this.#receiver.open(message.values).values,
      drew: message.drew,
      start: message.start,
      end: message.end,
      lane: this.lane,
      ...(message.failed && { failed: { error: decodeError(message.failed) } }),
    })
  }

  #unfit({ during, error }: Extract<FromWorker, { type: 'unfit' }>): void {
    this.#state = 'unfit'
    const cause = decodeError(error)
    const { label } = this.#options.address
    this.#refuse(
      during === 'import'
        ? new StageAddressError(`${label} cannot be used in a worker: ${messageOf(cause)}`, {
            cause,
          })
        : new WorkerDiedError(`setup of ${label} failed: ${messageOf(cause)}`, { cause }),
    )
  }

  /** What is left to say when the thread is gone: nothing, if it was told to end and had no work. */
  #end(code: number): WorkerDiedError | undefined {
    this.#channel.close()
    if (this.#state === 'unfit' || (this.#bye && !this.#crash)) return undefined
    const died = this.#obituary(code)
    this.#refuse(died)
    for (const pending of this.#jobs.values()) pending.reject(died)
    this.#jobs.clear()
    this.#becomeIdle?.()
    return died
  }

  #obituary(code: number): WorkerDiedError {
    const { label } = this.#options.address
    const why =
      this.#killedFor ??
      (this.#crash === undefined
        ? `it left with exit code ${code}; a stage must not end its process: let it throw instead`
        : messageOf(this.#crash))
    const [lost] = this.#jobs.values()
    const work = lost ? ` while it worked on element ${lost.job.first} or one of the next` : ''
    const options = this.#crash === undefined ? {} : { cause: this.#crash }
    return new WorkerDiedError(`${this.lane} of ${label} died${work}: ${why}`, options)
  }

  /** A program may end by itself while its threads are idle, never while they work. */
  #hold(held: boolean): void {
    this.#channel.hold(held)
    if (held) this.#worker.ref()
    else this.#worker.unref()
  }

  async #runUpToUnsendable(job: Job, cause: unknown): Promise<JobResult> {
    const at = job.items.findIndex((item) => !isCloneable(item))
    if (at < 0) throw cause
    const now = performance.now()
    const before: JobResult =
      at === 0
        ? { values: [], start: now, end: now, lane: this.lane }
        : await this.run({ ...job, items: job.items.slice(0, at) })
    const error = new DataError(
      `the input of ${this.#options.address.label} cannot be sent to another thread: ${messageOf(cause)} ` +
        'Pass data, and make functions and connections of it in the stage.',
      { cause },
    )
    return before.failed ? before : { ...before, failed: { error } }
  }
}

function startOf(
  options: ThreadOptions,
  port: WorkerStart['port'],
  rings: WorkerStart['rings'],
): WorkerStart {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return {
    main: new URL(`./worker-main${extension}`, import.meta.url).href,
    // The library's own sources are TypeScript too while it is developed.
    tsx: options.address.tsx ?? tsxNeededFor(import.meta.url),
    port,
    rings,
    address: options.address,
    config: options.config,
    clock: performance.now() - sharedNow(),
  }
}

/** Whether the promise settled in time. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
    }, ms)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
