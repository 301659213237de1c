import { InvalidArgumentError, WorkerDiedError } from '../errors/index.ts'
import { type FailureKind, failureOf } from '../http/index.ts'
import { type Duration, durationMs } from '../stream/duration.ts'
import { hashUnit } from '../stream/random.ts'

/** How calls that failed for reasons that pass are made again. */
export interface RetryOptions {
  /** Calls for an element at most, the first included; those that a limit's server refused don't count. */
  readonly attempts?: number
  /** Time for an element from its first call on, without what a server asked to wait. Default 10 minutes. */
  readonly deadline?: Duration
  /** Longest wait before the second call; it doubles from call to call. Default 500 ms. */
  readonly delay?: Duration
  /** Longest wait of all. Default 30 s. */
  readonly maxDelay?: Duration
  /** Whether an error passes. Default: what `failureOf` in `millstream/http` does not call permanent. */
  readonly when?: (error: unknown) => boolean
}

/** The same in milliseconds, complete. */
export interface RetryPolicy {
  readonly attempts: number
  readonly deadline: number
  readonly delay: number
  readonly maxDelay: number
  readonly when: ((error: unknown) => boolean) | undefined
}

const DEADLINE_MS = 600_000
const DELAY_MS = 500
const MAX_DELAY_MS = 30_000

/** `retry: 3` is three more calls after the first. Without `retry` a refused call is still made again. */
export function retryPolicyOf(retry: number | RetryOptions | undefined): RetryPolicy {
  const options: RetryOptions =
    typeof retry === 'object' ? retry : { attempts: 1 + whole('retry', retry ?? 0, 0) }
  const { attempts, deadline, delay, maxDelay, when } = options
  const ms = (name: string, value: Duration | undefined, fallback: number): number =>
    value === undefined ? fallback : durationMs('map', `retry.${name}`, value)
  return {
    attempts: attempts === undefined ? Infinity : whole('retry.attempts', attempts, 1),
    deadline: ms('deadline', deadline, DEADLINE_MS),
    delay: ms('delay', delay, DELAY_MS),
    maxDelay: ms('maxDelay', maxDelay, MAX_DELAY_MS),
    when,
  }
}

/** A failed attempt, and how far the element is. */
export interface Attempt {
  readonly error: unknown
  /** Calls that failed by themselves, this one included if it did. */
  readonly failed: number
  /** Milliseconds since the first call, without what the server asked to wait. */
  readonly elapsed: number
  /** Milliseconds that this answer asks to wait. */
  readonly pause: number | undefined
  /** True when a limit paces the calls and waits for the server: then nothing more is to be waited for here. */
  readonly limited: boolean
  /** Stands for (seed, stage, epoch, element). */
  readonly key: number
}

/** What an error is to this policy. */
export function kindOf(policy: RetryPolicy, error: unknown): FailureKind {
  const kind = error instanceof WorkerDiedError ? ofDeath(error) : failureOf(error)
  if (policy.when === undefined || kind === 'refused') return kind
  return policy.when(error) ? 'transient' : 'permanent'
}

/** Without workers no further call would be answered. */
function ofDeath({ replaced }: WorkerDiedError): FailureKind {
  return replaced ? 'transient' : 'permanent'
}

/**
 * Milliseconds to wait before the next call, or undefined to give up. Full jitter ("Exponential Backoff And
 * Jitter", M. Brooker, AWS Architecture Blog, 2015): evenly anything up to an exponentially growing bound. The
 * chance follows from the element, so that a resumed run waits alike.
 */
export function nextDelay(policy: RetryPolicy, kind: FailureKind, at: Attempt): number | undefined {
  if (kind === 'permanent') return undefined
  const counts = kind === 'transient' || !at.limited
  if (counts && at.failed >= policy.attempts) return undefined
  if (kind === 'refused' && at.limited) return at.elapsed < policy.deadline ? 0 : undefined
  const bound = Math.min(policy.maxDelay, policy.delay * 2 ** Math.min(at.failed - 1, 30))
  const jitter = bound * hashUnit(at.key, at.failed)
  if (at.elapsed + jitter >= policy.deadline) return undefined
  return at.limited ? jitter : Math.max(jitter, at.pause ?? 0)
}

function whole(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value
  throw new InvalidArgumentError(
    `map: ${name} must be a whole number of at least ${min}, not ${JSON.stringify(value)}`,
  )
}
