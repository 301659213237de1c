/** What the coordinator and a worker say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { StageAddress } from '../stage/address.ts'
import type { Channel } from './channel.ts'
import type { EncodedError } from './error-codec.ts'
import type { Wired } from './ring/sender.ts'
import type { RingLayout } from './ring/slots.ts'

/** Which stage a worker serves. */
export interface WorkerStart {
  readonly address: StageAddress
  readonly config: unknown
}

/** What every worker is born with. */
export interface Birthright extends WorkerStart {
  readonly rings: Rings | undefined
  /** The coordinator's `performance.now()` minus its `hrtime`, which all threads and processes share; in ms. */
  readonly clock: number
}

/** What a thread is born with (`workerData`). */
export interface ThreadStart extends Birthright {
  /** URL of worker-main; `thread.js` imports it. */
  readonly main: string
  /** URL of tsx's register module, where the worker needs it. */
  readonly tsx: string | undefined
  readonly port: MessagePort
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
      readonly timeout: number | undefined
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

/** Milliseconds of the clock that all threads and processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** URL of a module beside `from`, in the form, source or compiled, in which `from` runs. */
export function mainUrl(name: string, from: string): string {
  const extension = from.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./${name}${extension}`, from).href
}
