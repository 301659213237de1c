import { InvalidArgumentError } from '../errors/index.ts'
import type { KeptCalls } from '../stream/call-store.ts'
import { fromBytes, toBytes } from '../stream/wire-bytes.ts'
import { nameOf } from '../tensor/value-key.ts'
import type { CallResult } from './result-cache.ts'

/**
 * Results of the calls of one stage that a run made and may not have committed yet, by ordinal and element: the process
 * that goes on after a crash makes none of them again. What is no plain data is not kept; its calls are repeated.
 */
export class KeptResults {
  readonly #calls: KeptCalls

  constructor(calls: KeptCalls) {
    this.#calls = calls
  }

  /** The kept result for `x`, else what `call` gives, kept before it is given on. */
  async get(ordinal: number, x: unknown, call: () => Promise<CallResult>): Promise<CallResult> {
    const { stage, store } = this.#calls
    // The element, too: without a fixed order another one may come in its place.
    const key = unlessNotPlain(() => nameOf([stage, ordinal, x]))
    if (key === undefined) return call()
    const opened = await store()
    const bytes = await opened.get(key)
    if (bytes !== undefined) return { ok: true, value: fromBytes(bytes)[0] }
    const result = await call()
    const made = result.ok ? unlessNotPlain(() => toBytes([result.value])) : undefined
    if (made !== undefined) await opened.put(key, made)
    return result
  }
}

function unlessNotPlain<R>(make: () => R): R | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined
    throw error
  }
}
