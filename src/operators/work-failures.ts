import { messageOf } from '../errors/index.ts'
import { endsRun } from '../limit/calls.ts'
import { ElementFailure } from '../stream/failure.ts'
import type { OpenContext } from '../stream/operator.ts'
import type { WorkInput } from './work-input.ts'
import type { Failure, Results } from './work.ts'

/** What becomes of elements that failed. */
export interface FailurePolicy {
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  /** Elements that may be left out before the run fails. */
  readonly maxErrors?: number
}

/** Where a stage's elements come from, and what becomes of them. */
export interface Workplace {
  readonly context: OpenContext
  readonly input: WorkInput
  readonly results: Results
}

/** Applies a stage's policy to what failed. */
export class Failures {
  readonly #policy: FailurePolicy
  readonly #context: OpenContext
  readonly #input: WorkInput
  readonly #results: Results
  /** Elements left out before `results` began to count. */
  readonly #before: number

  constructor(policy: FailurePolicy, { context, input, results }: Workplace, before: number) {
    this.#policy = policy
    this.#context = context
    this.#input = input
    this.#results = results
    this.#before = before
  }

  /** Elements left out so far. */
  get count(): number {
    return this.#before + this.#results.leftOut
  }

  /** True when nothing should begin before the failure was handed out. */
  halts({ error }: Failure): boolean {
    return this.#policy.onError === 'fail' || endsRun(error)
  }

  /** True when it was left out without a dead letter. */
  skip(failure: Failure): boolean {
    if (this.#policy.onError !== 'skip' || !this.#mayLeaveOut(failure)) return false
    this.#tell(failure)
    this.#results.skip(failure)
    this.#context.meter.skipped(failure.ordinal, failure.element, failure.error)
    return true
  }

  /** True when it was left out and its dead letter is kept. Rejects when that could not be kept: the failure stays. */
  async bury(failure: Failure): Promise<boolean> {
    if (this.#policy.onError !== 'deadLetter' || !this.#mayLeaveOut(failure)) return false
    const { ordinal, element, error, attempts } = failure
    this.#tell(failure)
    const source = this.#sourceOf(failure)
    const keeping = this.#context.deadLetter(ordinal, element, error, attempts, source)
    // A store that kept it at once sees no checkpoint between its letter and the skip.
    if (keeping !== undefined) await keeping
    this.#results.skip(failure)
    return true
  }

  /** The error to throw for a failure that was not left out. The next pull goes on behind it, unless it is the last. */
  errorOf(failure: Failure): unknown {
    if (endsRun(failure.error)) return failure.error
    this.#results.raise(failure)
    const source = this.#sourceOf(failure)
    return new ElementFailure(failure.ordinal, this.#explained(failure.error), { source })
  }

  #sourceOf({ ordinal }: Failure): string | undefined {
    return this.#input.originFrom(ordinal)(0)
  }

  #tell({ ordinal }: Failure): void {
    this.#context.leftOut(this.#input.at(ordinal), this.#input.behind(ordinal))
  }

  #mayLeaveOut(failure: Failure): boolean {
    const { maxErrors = Infinity } = this.#policy
    return !endsRun(failure.error) && this.count < maxErrors && this.#results.maySkip(failure)
  }

  #explained(error: unknown): unknown {
    const { onError, maxErrors } = this.#policy
    if (onError === 'fail' || maxErrors === undefined || this.count < maxErrors) return error
    return new Error(`${messageOf(error)} (maxErrors: ${maxErrors} were left out before)`, {
      cause: error,
    })
  }
}
