/** What the coordinator and a worker say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { StageAddress } from '../stage/address.ts'
import type { Channel } from './channel.ts'
import type { EncodedError } from './error-codec.ts'
import type { Wired } from './ring/sender.ts'
import type { RingLayout } from './ring/slots.ts'

/** What a worker is born with (`workerData`). */
export interface WorkerStart {
  /** URL of worker-main; `worker.js` imports it. */
  readonly main: string
  /** URL of tsx's register module, where the worker needs it. */
  readonly tsx: string | undefined
  readonly port: MessagePort
  readonly rings: Rings | undefined
  readonly address: StageAddress
  readonly config: unknown
  /** The coordinator's `performance.now()` minus its `hrtime`, which all threads share; in ms. */
  readonly clock: number
}

/** Shared memory for either direction; undefined where there is none to be had. */
export interface Rings {
  readonly jobs: RingLayout
  readonly results: RingLayout
}

export type ToWorker =
  | {
      readonly type: 'job'
      readonly id: number
      readonly first: number
      readonly key: number
      readonly items: Wired
    }
  | { readonly type: 'abort' }
  /** Tear down and end; nothing follows. */
  | { readonly type: 'finish' }

export type FromWorker =
  | { readonly type: 'ready' }
  /** The stage cannot run; the worker ends. */
  | { readonly type: 'unfit'; readonly during: 'import' | 'setup'; readonly error: EncodedError }
  | {
      readonly type: 'result'
      readonly id: number
      readonly drew: boolean
      readonly failed: EncodedError | undefined
      readonly start: number
      readonly end: number
      readonly values: Wired
    }
  /** The last message. `open`: what still keeps the thread from ending, such as `Timeout`. */
  | {
      readonly type: 'bye'
      readonly failed: EncodedError | undefined
      readonly open: readonly string[]
    }

export type CoordinatorEnd = Channel<ToWorker, FromWorker>
export type WorkerEnd = Channel<FromWorker, ToWorker>

/** Milliseconds of the clock that all threads of a process share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
