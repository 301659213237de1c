/** What runs and workers say to each other. */
import type { EncodedError } from '../place/error-codec.ts'
import type { Code } from './code.ts'
import type { Wired } from './codec.ts'
import type { Verdict } from './duty.ts'

/** Changed when runs and workers of two versions would not understand each other. */
export const PROTOCOL = 1

/** What a run tells of itself, every few seconds and whenever it is asked. */
export interface Beat {
  readonly protocol: number
  readonly run: string
  readonly host: string
  readonly pid: number
  /** The program that runs, for people. */
  readonly program: string
  /** Milliseconds since 1970. */
  readonly started: number
  /** True of the last beat. */
  readonly over: boolean
  readonly stages: readonly StageBeat[]
}

export interface StageBeat {
  readonly number: number
  /** Such as `stages.ts#embed`. */
  readonly name: string
  /** What a worker must have to serve it. */
  readonly labels: readonly string[]
  /** Workers that serve it. */
  readonly workers: readonly string[]
  /** Chunks that are under way, and those that are done. */
  readonly open: number
  readonly done: number
}

/** Which stage, and the question of a worker what it is. */
export interface StageQuestion {
  readonly stage: number
}

/** What a worker must know of a stage to serve it. */
export interface StageDescription {
  readonly code: Code
  /** The name under which the module exports it. */
  readonly key: string
  readonly name: string
  /** What `.with()` bound. */
  readonly config: Wired
  readonly maxDeliveries: number
  readonly ackWait: number
  /** The run's `performance.now()` at the moment of this answer. */
  readonly now: number
}

/** A chunk, as it lies in the queue. */
export interface ChunkMessage {
  readonly id: string
  /** Ordinal of the first element. */
  readonly first: number
  /** Stands for (seed, stage, epoch). */
  readonly key: number
  readonly timeout: number | undefined
  readonly items: Wired
}

/** What came of a chunk. */
export interface DoneMessage {
  readonly stage: number
  readonly id: string
  readonly worker: string
  /** Why there are no values. */
  readonly verdict?: Verdict
  readonly values: Wired
  readonly failed?: EncodedError
  readonly drew: boolean
  /** Milliseconds of the run's clock between which the worker was busy. */
  readonly start: number
  readonly end: number
}

/** The answer to it; silence means that the run is not there, or not now. */
export interface DoneAnswer {
  readonly taken: true
}

/** What a worker tells a run. */
export interface News {
  readonly worker: string
  readonly stage: number
  readonly what: 'joined' | 'left' | 'refused' | 'begun'
  /** Of `joined`: chunks that it works on at once. */
  readonly slots?: number
  /** Of `refused`: what is in the way. */
  readonly why?: string
  /** Of `begun`. */
  readonly id?: string
}

/** What somebody asks a run to do, from outside. */
export interface Control {
  readonly action: 'cancel' | 'drain'
}

/** What a worker tells of itself when it is asked. */
export interface WorkerStatus {
  readonly worker: string
  readonly labels: readonly string[]
  readonly slots: number
  /** Runs that it serves. */
  readonly runs: readonly string[]
}
