/**
 * Every error Millstream throws on purpose: one base class, a stable `code`, and a message that says
 * what happened, where, and what to do. Codes are public: scripts may match on them.
 */

import { reasonOf } from './reason.ts'
import { redact } from './redact.ts'
import { sourceShown } from './source.ts'

export { mendOf } from './reason.ts'
export { redact } from './redact.ts'

/** Stable identifiers of Millstream's errors. */
export type ErrorCode =
  | 'MILLSTREAM_INVALID_ARGUMENT'
  | 'MILLSTREAM_STAGE_FAILED'
  | 'MILLSTREAM_MISSING_PACKAGE'
  | 'MILLSTREAM_CHECKPOINT_MISMATCH'
  | 'MILLSTREAM_NOT_RESUMABLE'
  | 'MILLSTREAM_STAGE_ADDRESS'
  | 'MILLSTREAM_WORKER_DIED'
  | 'MILLSTREAM_TYPESCRIPT_LOADER'
  | 'MILLSTREAM_DATA'
  | 'MILLSTREAM_STORAGE'
  | 'MILLSTREAM_INVALID_ELEMENT'
  | 'MILLSTREAM_USAGE'
  | 'MILLSTREAM_CLOSED'
  | 'MILLSTREAM_HTTP'
  | 'MILLSTREAM_TIMEOUT'
  | 'MILLSTREAM_BUDGET'
  | 'MILLSTREAM_LOCKED'
  | 'MILLSTREAM_OUT_OF_TIME'
  | 'MILLSTREAM_SINK_UNAVAILABLE'
  | 'MILLSTREAM_CLUSTER'
  | 'MILLSTREAM_RUN_STOPPED'
  | 'MILLSTREAM_STALLED'

/** Base class of all errors thrown by Millstream. */
export class MillstreamError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(redact(message), options)
    this.name = new.target.name
    this.code = code
  }
}

/** An option or argument has a value that can never work; thrown while the pipeline is described. */
export class InvalidArgumentError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_INVALID_ARGUMENT', message, options)
  }
}

/** Where in a run an element failed. */
export interface StageErrorInfo {
  /** Node id of the stage, such as `map#2`. */
  readonly stage: string
  /** Position of the element in the stage's input, from 0, within its epoch. */
  readonly index: number
  /** Place in the user's source where the stage was added, such as `jobs/embed.ts:12`. */
  readonly at?: string
  /** Name of the function that failed, where it has one. */
  readonly fn?: string
  /**
   * Where the element came from, as far as its source knows: `data/a.jsonl:12`, `photos/dog/7.jpg`, `array#1[17]`; of a
   * batch, and where elements were left out on the way, the first and the last that it can be.
   */
  readonly source?: string
  /** Where the stage is part of a dataset that was made of an element: `element 3 of flatMap#2 (photos/a.zip)`. */
  readonly within?: string
}

/** A user's function threw on one element. `cause` is what it threw. */
export class StageError extends MillstreamError implements StageErrorInfo {
  readonly stage: string
  readonly index: number
  readonly at?: string
  readonly fn?: string
  readonly source?: string
  readonly within?: string

  constructor(info: StageErrorInfo, cause: unknown) {
    const where = info.at === undefined ? '' : ` (${info.at})`
    const name = info.fn ? ` ${info.fn}` : ''
    const within = info.within === undefined ? '' : `, within ${info.within}`
    const source = sourceShown(info.source, info.index) + within
    super(
      'MILLSTREAM_STAGE_FAILED',
      `${info.stage}${name}${where} failed on element ${info.index}${source}: ${reasonOf(cause)}`,
      {
        cause,
      },
    )
    this.stage = info.stage
    this.index = info.index
    if (info.at !== undefined) this.at = info.at
    if (info.fn !== undefined) this.fn = info.fn
    if (info.source !== undefined) this.source = info.source
    if (info.within !== undefined) this.within = info.within
    this.stack = causeFirst(this, cause)
  }
}

/** An optional peer package is needed and not installed. */
export class MissingPackageError extends MillstreamError {
  constructor(name: string, needed: string, install: string, options?: ErrorOptions) {
    super(
      'MILLSTREAM_MISSING_PACKAGE',
      `${needed} needs the package ${name}. Install it: ${install}`,
      options,
    )
  }
}

/** A checkpoint belongs to another pipeline; the message names the first difference. */
export class CheckpointMismatchError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_CHECKPOINT_MISMATCH', message, options)
  }
}

/** A pipeline holds something that cannot be resumed; the message names it and the way out. */
export class NotResumableError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_NOT_RESUMABLE', message, options)
  }
}

/** A stage cannot be found again in a worker: not exported, in the entry module, or not a module. */
export class StageAddressError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_STAGE_ADDRESS', message, options)
  }
}

/** A worker ended while it had work. */
export class WorkerDiedError extends MillstreamError {
  /** True when another worker took its place: the run can go on without the element. */
  readonly replaced: boolean

  constructor(message: string, options: ErrorOptions & { readonly replaced?: boolean } = {}) {
    super('MILLSTREAM_WORKER_DIED', message, options)
    this.replaced = options.replaced === true
  }
}

/** A TypeScript file must be loaded and this Node cannot, nor is tsx installed. */
export class TypeScriptLoaderError extends MillstreamError {
  constructor(file: string, options?: ErrorOptions) {
    super(
      'MILLSTREAM_TYPESCRIPT_LOADER',
      `${file} is TypeScript, which Node ${process.versions.node} does not load by itself. ` +
        'Install tsx (npm i tsx), use Node 22.18 or newer, or point at compiled JavaScript.',
      options,
    )
  }
}

/** Input data cannot be used: a damaged file, an empty folder, a wrong hash. */
export class DataError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_DATA', message, options)
  }
}

/** One thing that a schema has against an element. */
export interface ValidationIssue {
  /** The member it is about, such as `user.tags[0]`; empty for the element itself. */
  readonly path: string
  readonly message: string
}

/** A schema refused an element; the message names each issue. It is the `cause` of a `StageError`. */
export class ValidationError extends MillstreamError {
  readonly issues: readonly ValidationIssue[]

  constructor(issues: readonly ValidationIssue[], options?: ErrorOptions) {
    const texts = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    super('MILLSTREAM_INVALID_ELEMENT', texts.join('; '), options)
    this.issues = issues
  }
}

/** Millstream's own files cannot be written or read: no room, no permission. `cause` is the system's error. */
export class StorageError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_STORAGE', message, options)
  }
}

/** A command was called with wrong flags; commands exit with code 2. */
export class UsageError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_USAGE', message, options)
  }
}

/** A call took longer than its stage's `timeout`. Named like the error of `AbortSignal.timeout`. */
export class CallTimeoutError extends MillstreamError {
  constructor(ms: number, options?: ErrorOptions) {
    super('MILLSTREAM_TIMEOUT', `no answer within ${ms} ms`, options)
    this.name = 'TimeoutError'
  }
}

/** A run has spent what it was allowed to. All that was paid for is delivered; a resume goes on behind it. */
export class BudgetError extends MillstreamError {
  /** What is used up, such as `usd`. */
  readonly meter: string
  readonly spent: number
  readonly limit: number

  constructor(meter: string, spent: number, limit: number, options?: ErrorOptions) {
    super(
      'MILLSTREAM_BUDGET',
      `the budget is used up: ${rounded(spent)} of ${rounded(limit)} ${meter} spent, and the next call ` +
        'would go over it. Resume with another budget to go on where it stopped.',
      options,
    )
    this.meter = meter
    this.spent = spent
    this.limit = limit
  }
}

/** Six digits hide what adding floating point numbers leaves behind. */
function rounded(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/** An iteration or trainer was used after it was closed. */
export class ClosedError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_CLOSED', message, options)
  }
}

/** Another process runs the same pipeline; commands exit with code 75. */
export class LockedError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_LOCKED', message, options)
  }
}

/** A run stopped because its time was over; it goes on there next time. Commands exit with code 75. */
export class OutOfTimeError extends MillstreamError {
  constructor(time: string | number, options?: ErrorOptions) {
    super(
      'MILLSTREAM_OUT_OF_TIME',
      `the time of this run (${typeof time === 'number' ? `${time} ms` : time}) is over; run it again to go on`,
      options,
    )
  }
}

/** A sink cannot be reached, at the moment; a run tries it again, and fails with this when that does not help. */
export class SinkUnavailableError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_SINK_UNAVAILABLE', message, options)
  }
}

/** The cluster cannot do what it is asked: no broker, one that cannot be used, no worker that has the stage. */
export class ClusterError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_CLUSTER', message, options)
  }
}

/** Somebody asked the run to stop, from outside; it goes on there next time. Commands exit with code 75. */
export class RunStoppedError extends MillstreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLSTREAM_RUN_STOPPED', message, options)
  }
}

/** A run came to a halt: nothing came out of any operator for longer than `stall: { fail }` says. */
export class StalledError extends MillstreamError {
  constructor(
    ms: number,
    holdups: readonly { readonly stage: string; readonly at?: string; readonly what: string }[],
    options?: ErrorOptions,
  ) {
    const who = holdups.map(({ stage, at, what }) => {
      return `${stage}${at === undefined ? '' : ` (${at})`} waits for ${what}`
    })
    super(
      'MILLSTREAM_STALLED',
      `the run has made no progress for ${Math.round(ms / 100) / 10} s: ${who.join('; ')}`,
      options,
    )
  }
}

/** The message of anything that can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The code of a failure of the system, such as `ENOENT`; undefined for all that has none. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined
}

/** Puts the user's own stack lines before the library's, so that an editor jumps to the right place. */
function causeFirst(error: Error, cause: unknown): string {
  const head = `${error.name}: ${error.message}`
  const own = (error.stack ?? '').split('\n').slice(1)
  const theirs = cause instanceof Error ? framesOf(cause) : []
  return [head, ...theirs, ...own].join('\n')
}

function framesOf(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
}
