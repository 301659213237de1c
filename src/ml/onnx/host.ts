/** The caller's side of the engine's thread: calls and answers, death, and a stop that aborts nothing. */

import { Worker } from 'node:worker_threads'
import type { Transferable } from 'node:worker_threads'
import { ClosedError, WorkerDiedError, messageOf } from '../../errors/index.ts'
import { Gate, guardExit, releaseExit } from './gate.ts'
import { unpackError } from './protocol.ts'
import type { CallName, Calls, Reply } from './protocol.ts'

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export class WorkerHost {
  readonly #worker: Worker
  readonly #gate = new Gate()
  readonly #waiting = new Map<number, Waiting>()
  readonly #gone: Promise<void>
  #calls = 0
  #ended: Error | undefined
  #closing: Promise<void> | undefined

  /** Starts the thread; `entry` is its module. */
  constructor(entry: URL = new URL('./worker.js', import.meta.url)) {
    guardExit(this.#gate)
    this.#worker = new Worker(entry, {
      workerData: { gate: this.#gate.memory },
      execArgv: [],
      name: 'millstream-trainer',
    })
    // Only a call in flight keeps the process alive, not a trainer that somebody forgot.
    this.#worker.unref()
    this.#worker.on('message', (reply: Reply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#end(died(messageOf(error), error)))
    this.#gone = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#end(died(`it ended with code ${code}`))
        resolve()
      })
    })
  }

  /**
   * @throws ClosedError after `close`, WorkerDiedError when the thread ends before it answers.
   */
  call<K extends CallName>(
    call: K,
    ask: Calls[K]['ask'],
    transfer: readonly Transferable[] = [],
  ): Promise<Calls[K]['answer']> {
    if (this.#closing) return Promise.reject(new ClosedError('This trainer has been disposed of.'))
    return this.#send(call, ask, transfer)
  }

  /** Waits for the call in flight, refuses queued ones, then ends the thread. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#gate.shut()
    if (this.#ended === undefined) {
      // A thread that dies meanwhile is as gone as one that answers.
      await this.#send('close', null, []).catch(() => undefined)
    }
    await this.#gone
    releaseExit(this.#gate)
  }

  #send<K extends CallName>(
    call: K,
    ask: Calls[K]['ask'],
    transfer: readonly Transferable[],
  ): Promise<Calls[K]['answer']> {
    if (this.#ended) return Promise.reject(this.#ended)
    const id = this.#calls++
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ id, call, ask }, transfer)
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject })
      this.#worker.ref()
    })
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (this.#waiting.size === 0 && !this.#closing) this.#worker.unref()
    if ('error' in reply) waiting?.reject(unpackError(reply.error))
    else waiting?.resolve(reply.answer)
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended)
    this.#waiting.clear()
  }
}

function died(why: string, cause?: unknown): WorkerDiedError {
  return new WorkerDiedError(
    `The training thread died: ${why}. Weights since the last checkpoint are lost.`,
    { cause },
  )
}
