import { CallTimeoutError } from '../errors/index.ts'
import type { Runner } from '../stage/runner.ts'
import { ElementLocal } from '../stream/local.ts'
import type { Job } from '../stream/pool.ts'

/** What came of the items of a job. */
export interface Outcome {
  readonly values: unknown[]
  /** What the user's function threw on `items[values.length]`. */
  readonly failed?: { readonly error: unknown }
  /** True when the function drew random numbers. */
  readonly drew: boolean
}

/** Runs a job's items one after the other, up to the first that fails. */
export async function runItems(
  runner: Runner,
  { items, first, key, timeout }: Job,
  signal: AbortSignal,
): Promise<Outcome> {
  const values: unknown[] = []
  let drew = false
  const limit = timeout === undefined ? undefined : new TimeLimit(timeout, signal)
  const local = new ElementLocal(key, limit?.signal ?? signal, () => (drew = true))
  try {
    for (let i = 0; i < items.length; i++) {
      const value = runner.run(items[i], local.at(first + i))
      values.push(isThenable(value) ? await (limit?.of(value) ?? value) : value)
    }
  } catch (error) {
    return { values, failed: { error }, drew }
  } finally {
    limit?.end()
  }
  return { values, drew }
}

/** The time that an asynchronous function has; one that never waits is ended from outside. */
class TimeLimit {
  readonly #control = new AbortController()
  readonly #late: Promise<never>
  readonly #timer: NodeJS.Timeout
  readonly signal: AbortSignal

  constructor(ms: number, outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#control.signal])
    let expire = (_error: Error): void => undefined
    this.#late = new Promise((_resolve, reject) => (expire = reject))
    this.#late.catch(() => undefined) // whoever waits for the call has it
    this.#timer = setTimeout(() => {
      const error = new CallTimeoutError(ms)
      this.#control.abort(error)
      expire(error)
    }, ms)
  }

  async of(value: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await Promise.race([value, this.#late])
    } catch (error) {
      // What broke because of the abort is not what went wrong.
      throw this.#control.signal.aborted ? this.#control.signal.reason : error
    }
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
