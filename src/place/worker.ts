import { DataError, StageAddressError, WorkerDiedError, messageOf } from '../errors/index.ts'
import type { StageAddress } from '../stage/address.ts'
import type { Job, JobResult } from '../stream/pool.ts'
import { decodeError } from './error-codec.ts'
import type { Exit, Host } from './host.ts'
import type { FromWorker } from './protocol.ts'
import { Receiver } from './ring/receiver.ts'
import { Sender } from './ring/sender.ts'

/** What a worker runs, and how it is started. */
export interface WorkerOptions {
  readonly address: StageAddress
  /** Starts what it lives in; `name` is for debuggers. */
  readonly start: (name: string) => Host
  /** Milliseconds that jobs under way get to end once the run is closed. */
  readonly settleLimit: number
  /** Milliseconds that the worker gets to end by itself after its teardown. */
  readonly exitLimit: number
  /** Whether another worker takes the place of one that died. */
  readonly replaces: boolean
  /** Workers that may die one after the other, without a result between, before the run fails. */
  readonly maxDeaths: number
}

/** A job whose worker died. */
export interface Lost {
  readonly death: WorkerDiedError
  /** The job was being worked on; others waited behind it. */
  readonly atWork: boolean
  /** The worker was ended because the job took longer than its timeout. */
  readonly late: boolean
}

/** Milliseconds beyond its timeout in which a job may still answer by itself: a function that heeds its signal does. */
const GRACE_MS = 250

interface Pending {
  readonly job: Job
  /** Of its slot. */
  readonly filled: number
  readonly cloned: string | undefined
  resolve(result: JobResult | Lost): void
}

/** One worker, as the coordinator sees it. */
export class Worker {
  readonly lane: string
  /** Settles when the worker is ready; rejects when its stage cannot be imported or set up. */
  readonly ready: Promise<void>
  /** Settles when the worker is gone and its last message was received; with the reason, if it died. */
  readonly ended: Promise<WorkerDiedError | undefined>
  readonly #options: WorkerOptions
  readonly #host: Host
  readonly #sender: Sender
  readonly #receiver: Receiver
  /** In the order in which they are worked on. */
  readonly #jobs = new Map<number, Pending>()
  #nextId = 0
  #answers = 0
  /** When it began with the job at work. */
  #since = 0
  #state: 'starting' | 'unfit' | 'ready' | 'finishing' = 'starting'
  #bye: Extract<FromWorker, { type: 'bye' }> | undefined
  #killedFor: string | undefined
  /** The job that took too long. */
  #late: Pending | undefined
  #timer: NodeJS.Timeout | undefined
  #becomeReady!: () => void
  #refuse!: (error: Error) => void
  #becomeIdle: (() => void) | undefined

  /** `died` is told of its death at once, before anybody who waits for one of its jobs. */
  constructor(number: number, options: WorkerOptions, died: (lost: Lost) => void) {
    this.#options = options
    this.#host = options.start(`${options.address.label} ${number}`)
    this.lane = `${this.#host.kind} ${number}`
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve
      this.#refuse = reject
    })
    const { channel, exited, rings } = this.#host
    this.#sender = new Sender(rings?.jobs)
    this.#receiver = new Receiver(rings?.results)
    channel.receive(
      (message) => {
        this.#receive(message)
      },
      (error) => void this.#kill(`its answer cannot be read: ${error.message}`),
    )
    this.ended = Promise.all([exited, channel.closed]).then(([exit]) => this.#end(exit, died))
  }

  /** What it works on, in words; undefined when that is nothing. */
  get work(): string | undefined {
    if (this.#state === 'starting') return `${this.lane} to start`
    const [head] = this.#jobs.values()
    if (head === undefined) return undefined
    const seconds = Math.round((performance.now() - this.#since) / 1000)
    return `${this.lane}, which has worked on ${elementsOf(head.job)} for ${seconds} s`
  }

  /** True while it has not finished a job. */
  get fresh(): boolean {
    return this.#answers === 0
  }

  async run(job: Job): Promise<JobResult | Lost> {
    const { wired, transfer } = this.#sender.pack(job.items)
    const id = this.#nextId++
    try {
      const { first, key, timeout } = job
      this.#host.channel.send({ type: 'job', id, first, key, timeout, items: wired }, transfer)
    } catch (error) {
      this.#sender.drop(wired)
      return this.#runUpToUnsendable(job, error)
    }
    return new Promise((resolve) => {
      const { filled, cloned } = wired
      this.#jobs.set(id, { job, filled, cloned, resolve })
      if (this.#jobs.size > 1) return
      this.#hold(true)
      this.#watch()
    })
  }

  /** Tells the stage, by its `local.signal`, that the run stops. */
  abort(): void {
    this.#host.channel.send({ type: 'abort' })
  }

  /** Lets jobs end, tears the stage down and waits until the worker is gone. Rejects when teardown failed. */
  async finish(): Promise<void> {
    if (this.#state === 'starting') await this.#begun()
    if (this.#state === 'ready') {
      this.#state = 'finishing'
      await this.#settle()
      await this.#exit()
    } else if (!(await within(this.ended, this.#options.exitLimit))) {
      await this.#kill('it could not be set up and did not end')
    }
    await this.ended
    if (this.#bye?.failed) {
      const cause = decodeError(this.#bye.failed)
      const { label } = this.#options.address
      throw new WorkerDiedError(`teardown of ${label} failed: ${messageOf(cause)}`, { cause })
    }
  }

  async #begun(): Promise<void> {
    const begun = this.ready.catch(() => undefined) // whoever started it has the error
    const { settleLimit } = this.#options
    if (await within(begun, settleLimit)) return
    await this.#kill(`it was not set up ${settleLimit / 1000} s after the run was closed`)
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
    this.#host.channel.send({ type: 'finish' })
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
    await this.#host.kill()
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
    this.#answers++
    this.#watch()
    if (this.#jobs.size === 0) {
      if (this.#state === 'ready') this.#hold(false)
      this.#becomeIdle?.()
    }
    if (pending === undefined) return
    const { values, drew, start, end, failed } = message
    const cloned = pending.cloned ?? values.cloned
    pending.resolve({
      ...this.#receiver.open(values, pending.job.lend),
      drew,
      start,
      end,
      lane: this.lane,
      filled: Math.max(pending.filled, values.filled),
      ...(cloned !== undefined && { cloned }),
      ...(failed && { failed: { error: decodeError(failed) } }),
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

  /** Looks to it that the job at work keeps its timeout. */
  #watch(): void {
    clearTimeout(this.#timer)
    this.#since = performance.now()
    const [head] = this.#jobs.values()
    const timeout = head?.job.timeout
    if (head === undefined || timeout === undefined) return
    this.#timer = setTimeout(() => {
      // This thread may have been busy for long: what came meanwhile is read before the next turn.
      setImmediate(() => this.#expire(head, timeout))
    }, timeout + GRACE_MS)
  }

  #expire(head: Pending, timeout: number): void {
    const [still] = this.#jobs.values()
    if (still !== head || this.#killedFor !== undefined) return
    this.#late = head
    void this.#kill(`it gave no answer within ${timeout} ms`)
  }

  /** What is left to say when the worker is gone: nothing, if it was told to end and had no work. */
  #end(exit: Exit, died: (lost: Lost) => void): WorkerDiedError | undefined {
    clearTimeout(this.#timer)
    this.#host.channel.close()
    if (this.#state === 'unfit' || (this.#bye && exit.crash === undefined)) return undefined
    const death = this.#obituary(exit)
    if (this.#state === 'starting') {
      this.#refuse(death)
      return death
    }
    const jobs = [...this.#jobs.values()]
    this.#jobs.clear()
    const late = this.#late !== undefined
    const lostAs = (atWork: boolean): Lost => ({ death, atWork, late: late && atWork })
    died(lostAs(jobs.length > 0))
    for (const [k, pending] of jobs.entries()) pending.resolve(lostAs(k === 0))
    this.#becomeIdle?.()
    return death
  }

  #obituary({ how, crash }: Exit): WorkerDiedError {
    const { address, replaces } = this.#options
    const why = this.#killedFor ?? (crash === undefined ? how : messageOf(crash))
    const [lost] = this.#jobs.values()
    const work = lost ? ` while it worked on ${elementsOf(lost.job)}` : ''
    const options = { replaced: replaces, ...(crash === undefined ? {} : { cause: crash }) }
    return new WorkerDiedError(`${this.lane} of ${address.label} died${work}: ${why}`, options)
  }

  /** A program may end by itself while its workers are idle, never while they work. */
  #hold(held: boolean): void {
    this.#host.channel.hold(held)
    this.#host.hold(held)
  }

  async #runUpToUnsendable(job: Job, cause: unknown): Promise<JobResult | Lost> {
    const at = job.items.findIndex((item) => !this.#host.sendable(item))
    if (at < 0) throw cause
    const now = performance.now()
    const before: JobResult | Lost =
      at === 0
        ? { values: [], start: now, end: now, lane: this.lane }
        : await this.run({ ...job, items: job.items.slice(0, at) })
    const error = new DataError(
      `the input of ${this.#options.address.label} cannot be sent to another ${this.#host.kind}: ${messageOf(cause)} ` +
        'Pass data, and make functions and connections of it in the stage.',
      { cause },
    )
    return 'death' in before || before.failed ? before : { ...before, failed: { error } }
  }
}

function elementsOf({ first, items }: Job): string {
  const last = first + items.length - 1
  return first === last ? `element ${first}` : `elements ${first} to ${last}`
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
