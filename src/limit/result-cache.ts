import { InvalidArgumentError, messageOf } from '../errors/index.ts'
import type { CallStore } from '../stream/call-store.ts'
import { fromBytes, toBytes } from '../stream/wire-bytes.ts'
import { hashOfValue } from './value-hash.ts'

/** A result that may be there already. */
export type Cached = { readonly hit: true; readonly value: unknown } | { readonly hit: false }

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
  async get<R>(
    x: unknown,
    call: () => Promise<R>,
    valueOf: (result: R) => Cached,
  ): Promise<R | Cached> {
    const key = hashOfValue(this.#name, x)
    for (let other = this.#underWay.get(key); other; other = this.#underWay.get(key)) {
      const bytes = await other
      if (bytes !== undefined) return { hit: true, value: decode(bytes) }
    }
    const made = this.#make(key, call, valueOf)
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

  async #make<R>(key: string, call: () => Promise<R>, valueOf: (result: R) => Cached) {
    const store = await this.#store()
    const kept = await store.get(key)
    if (kept !== undefined) {
      const result: Cached = { hit: true, value: decode(kept) }
      return { result, bytes: kept }
    }
    const result = await call()
    const fresh = valueOf(result)
    if (!fresh.hit) return { result, bytes: undefined }
    const bytes = encode(this.#name, fresh.value)
    await store.put(key, bytes)
    return { result, bytes }
  }
}

function encode(name: string, value: unknown): Uint8Array {
  try {
    return toBytes([value])
  } catch (error) {
    throw new InvalidArgumentError(
      `cache ${name}: a result cannot be kept, it must be plain data: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

function decode(bytes: Uint8Array): unknown {
  return fromBytes(bytes)[0]
}
