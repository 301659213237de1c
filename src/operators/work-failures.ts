import { messageOf, WorkerDiedError } from '../errors/index.ts'
import { endsRun } from '../limit/calls.ts'
import { ElementFailure } from '../stream/failure.ts'
import type { OpenContext } from '../stream/operator.ts'
import type { Failure, Results } from './work.ts'

/** What becomes of elements that failed. */
export interface FailurePolicy {
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  /** Elements that may be left out before the run fails. */
  readonly maxErrors?: number
}

/** Applies a stage's policy to what failed. */
export class Failures {
  readonly #policy: FailurePolicy
  readonly #context: OpenContext
  readonly #results: Results
  /** Elements left out before `results` began to count. */
  readonly #before: number
  /** Dead letters on their way to where they are kept. */
  #buried: Promise<void> | undefined

  constructor(policy: FailurePolicy, context: OpenContext, results: Results, before: number) {
    this.#policy = policy
    this.#context = context
    this.#results = results
    this.#before = before
  }

  /** Elements left out so far. */
  get count(): number {
    return this.#before + this.#results.leftOut
  }

  /** True when nothing should begin before the failure was handed out. */
  halts({ error }: Failure): boolean {
    return this.#policy.onError === 'fail' || isLast(error)
  }

  /** True when it was left out. */
  leaveOut(failure: Failure): boolean {
    const { onError, maxErrors = Infinity } = this.#policy
    if (onError === 'fail' || isLast(failure.error)) return false
    if (this.count >= maxErrors || !this.#results.maySkip(failure)) return false
    this.#results.skip(failure)
    const { ordinal, element, error, attempts } = failure
    const { meter } = this.#context
    if (onError === 'skip') meter.skipped(ordinal, element, error)
    else this.#bury(this.#context.deadLetter(ordinal, element, error, attempts))
    return true
  }

  /** The error to throw for a failure that was not left out. The next pull goes on behind it, unless it is the last. */
  errorOf(failure: Failure): unknown {
    if (isLast(failure.error)) return failure.error
    this.#results.raise(failure)
    return new ElementFailure(failure.ordinal, this.#explained(failure.error))
  }

  /** Undefined when no dead letter is on its way; awaited, it rejects when one could not be kept. */
  buried(): Promise<void> | undefined {
    const buried = this.#buried
    this.#buried = undefined
    return buried
  }

  #explained(error: unknown): unknown {
    const { onError, maxErrors } = this.#policy
    if (onError === 'fail' || maxErrors === undefined || this.count < maxErrors) return error
    return new Error(`${messageOf(error)} (maxErrors: ${maxErrors} were left out before)`, {
      cause: error,
    })
  }

  #bury(putting: void | Promise<void>): void {
    if (putting === undefined) return
    putting.catch(() => undefined) // the pull that waits for it has the error
    this.#buried = Promise.all([this.#buried, putting]).then(() => undefined)
  }
}

/** True for errors that no policy lets the run go on behind: they stay where they are. */
function isLast(error: unknown): boolean {
  return error instanceof WorkerDiedError || endsRun(error)
}
