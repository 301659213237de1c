import { InvalidArgumentError, messageOf } from '../errors/index.ts'
import type { CallStore } from '../stream/call-store.ts'
import { fromBytes, toBytes } from '../stream/wire-bytes.ts'
import { nameOf } from '../tensor/value-key.ts'

/** What came of an element: its value, or the last error. */
export type CallResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown; readonly attempts: number }

/**
 * Results of calls by name and input, in a store that outlives the run. Equal inputs under way at the same time
 * are called once.
 */
export class ResultCache {
  readonly #name: string
  readonly #store: () => Promise<CallStore>
  readonly #underWay = new Map<string, Promise<Uint8Array | undefined>>()

  constructor(name: string, store: () => Promise<CallStore>) {
    this.#name = name
    this.#store = store
  }

  /** The kept result for `x`, else what `call` gives, kept before it is given on. */
  async get(x: unknown, call: () => Promise<CallResult>): Promise<CallResult> {
    const key = this.#keyOf(x)
    for (let other = this.#underWay.get(key); other; other = this.#underWay.get(key)) {
      const bytes = await other
      if (bytes !== undefined) return { ok: true, value: decode(bytes) }
    }
    const made = this.#make(key, call)
    const settled = made.then(
      ({ bytes }) => bytes,
      () => undefined,
    )
    this.#underWay.set(key, settled)
    try {
      const { result } = await made
      return result
    } finally {
      this.#underWay.delete(key)
    }
  }

  async #make(key: string, call: () => Promise<CallResult>): Promise<Made> {
    const store = await this.#store()
    const kept = await store.get(key)
    if (kept !== undefined) return { result: { ok: true, value: decode(kept) }, bytes: kept }
    const result = await call()
    if (!result.ok) return { result, bytes: undefined }
    const bytes = this.#encode(result.value)
    await store.put(key, bytes)
    return { result, bytes }
  }

  #keyOf(x: unknown): string {
    try {
      return nameOf([this.#name, x])
    } catch (error) {
      throw new InvalidArgumentError(
        `cache ${this.#name}: an element cannot be looked up: ${messageOf(error)}`,
        { cause: error },
      )
    }
  }

  #encode(value: unknown): Uint8Array {
    try {
      return toBytes([value])
    } catch (error) {
      throw new InvalidArgumentError(
        `cache ${this.#name}: a result cannot be kept, it must be plain data: ${messageOf(error)}`,
        { cause: error },
      )
    }
  }
}

interface Made {
  readonly result: CallResult
  /** As it is kept; undefined for what is not. */
  readonly bytes: Uint8Array | undefined
}

function decode(bytes: Uint8Array): unknown {
  return fromBytes(bytes)[0]
}
