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
  { items, first, key }: Job,
  signal: AbortSignal,
): Promise<Outcome> {
  const values: unknown[] = []
  let drew = false
  const local = new ElementLocal(key, signal, () => (drew = true))
  try {
    for (let i = 0; i < items.length; i++) {
      const value = runner.run(items[i], local.at(first + i))
      values.push(isThenable(value) ? await value : value)
    }
  } catch (error) {
    return { values, failed: { error }, drew }
  }
  return { values, drew }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
