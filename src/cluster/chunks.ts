import type { Job } from '../stream/pool.ts'
import { encode, type Wired } from './codec.ts'
import { enclose, INLINE_BYTES } from './envelope.ts'
import { Ledger, type LedgerEvent, type LedgerInstruction } from './ledger.ts'
import type { ChunkMessage, DoneMessage } from './messages.ts'
import { queueNames } from './names.ts'
import type { Session } from './session.ts'

/** Bytes that the queue of a stage holds at most: the net below the credits. */
const QUEUE_BYTES = 64 * 1024 * 1024
/** Bytes under way at most, those in parts included. */
const CREDIT_BYTES = 32 * 1024 * 1024
/** Chunks under way at most, whatever the number of workers. */
const CREDIT_JOBS = 4_096
/** Milliseconds before something is sent again that the broker did not take. */
const RESEND_MS = 250

/** What came of a chunk, and which workers had begun with it. */
export interface Settled {
  readonly done: DoneMessage
  readonly begun: readonly string[]
  /** Of the message that was larger: the chunk, or what came of it. */
  readonly bytes: number
}

interface Pending {
  /** What lies in the queue. */
  readonly data: Uint8Array
  readonly begun: string[]
  resolve(settled: Settled): void
  reject(error: unknown): void
}

/** The chunks of a stage that are under way: does what the ledger says, on a real broker. */
export class Chunks {
  /** Chunks that were settled. */
  done = 0
  readonly #session: Session
  readonly #stage: number
  readonly #queue: ReturnType<typeof queueNames>
  readonly #settings: { readonly ackWait: number; readonly replicas: number }
  readonly #ledger = new Ledger({ jobs: CREDIT_JOBS, bytes: CREDIT_BYTES })
  readonly #pending = new Map<string, Pending>()
  #serial = 0
  #closed = false

  constructor(
    session: Session,
    stage: number,
    settings: { readonly ackWait: number; readonly replicas: number },
  ) {
    this.#session = session
    this.#stage = stage
    this.#settings = settings
    this.#queue = queueNames(session.tenant, session.run, stage)
  }

  /** Chunks that are not settled. */
  get open(): number {
    return this.#ledger.open
  }

  /** Makes what a broker must have for the stage, unless it is there. */
  async prepare(): Promise<void> {
    await this.#session.openParts()
    const { ackWait, replicas } = this.#settings
    await this.#session.broker.openQueue(this.#queue, { ackWait, replicas, maxBytes: QUEUE_BYTES })
  }

  /** Rejects when it becomes `unwanted`, or when all are given up. */
  async submit(
    { first, key, timeout }: Job,
    items: Wired,
    unwanted?: AbortSignal,
  ): Promise<Settled> {
    unwanted?.throwIfAborted()
    const id = `${first}-${items.values.length}-${++this.#serial}`
    const data = encode({ id, first, key, items, timeout } satisfies ChunkMessage)
    let onUnwanted: (() => void) | undefined
    try {
      return await new Promise<Settled>((resolve, reject) => {
        this.#pending.set(id, { data, begun: [], resolve, reject })
        onUnwanted = () => {
          this.#step({ type: 'forget', id })
          reject(unwanted?.reason as Error)
        }
        unwanted?.addEventListener('abort', onUnwanted)
        this.#step({ type: 'submit', id, bytes: data.length })
      })
    } finally {
      if (onUnwanted !== undefined) unwanted?.removeEventListener('abort', onUnwanted)
      this.#pending.delete(id)
      if (data.length > INLINE_BYTES && !this.#closed) void this.#forgetParts(id)
    }
  }

  /** A worker brings what came of a chunk, perhaps not the first one to do so. */
  bring(done: DoneMessage, bytes: number): void {
    for (const instruction of this.#ledger.step({ type: 'result', id: done.id })) {
      if (instruction.do === 'settle') this.#settle(done, bytes)
      else this.#execute(instruction)
    }
  }

  /** A worker begins with a chunk. */
  begun(id: string, worker: string): void {
    this.#pending.get(id)?.begun.push(worker)
  }

  /** The broker may have lost chunks. */
  doubt(): void {
    this.#step({ type: 'doubt' })
  }

  giveUp(reason: unknown): void {
    this.#closed = true
    for (const [id, pending] of this.#pending) {
      this.#step({ type: 'forget', id })
      pending.reject(reason)
    }
  }

  #step(event: LedgerEvent): void {
    for (const instruction of this.#ledger.step(event)) this.#execute(instruction)
  }

  #execute(instruction: LedgerInstruction): void {
    if (instruction.do === 'send') void this.#send(instruction.id, instruction.round)
    else if (instruction.do === 'list') void this.#list(instruction.audit)
  }

  #settle(done: DoneMessage, bytes: number): void {
    this.done++
    const pending = this.#pending.get(done.id)
    pending?.resolve({ done, begun: pending.begun, bytes: Math.max(bytes, pending.data.length) })
  }

  async #send(id: string, round: number): Promise<void> {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    const { broker, parts } = this.#session
    try {
      const message = await enclose(broker, parts, this.#blobOf(id), pending.data)
      await broker.keep(this.#queue.subject(id), message, `${id}-${round}`)
      this.#step({ type: 'stored', id, round })
    } catch {
      // It may be there or not, and sent again under the same name it is there once; or there is no queue any more.
      this.#later(async () => {
        await this.prepare().catch(() => undefined)
        this.#step({ type: 'unsure', id, round })
      })
    }
  }

  async #list(audit: number): Promise<void> {
    try {
      await this.prepare()
      const ids = await this.#session.broker.idsIn(this.#queue)
      this.#step({ type: 'listed', audit, ids })
    } catch {
      this.#later(() => this.doubt())
    }
  }

  #later(act: () => unknown): void {
    setTimeout(() => {
      if (!this.#closed) void act()
    }, RESEND_MS)
  }

  #blobOf(id: string): string {
    return `${this.#stage}-${id}`
  }

  async #forgetParts(id: string): Promise<void> {
    const { broker, parts } = this.#session
    // What cannot be removed now is removed with the run.
    await broker.forget(parts.stream, parts.all(this.#blobOf(id))).catch(() => undefined)
  }
}
