/** Results of calls by the hash of what they were made for. */
export interface CallStore {
  get(key: string): Promise<Uint8Array | undefined>
  /** Resolves when a process that ends now would not lose it. */
  put(key: string, value: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Where a stage keeps results of calls that its run has made and may not have committed yet. */
export interface KeptCalls {
  /** Names the stage, and the epoch. */
  readonly stage: string
  readonly store: () => Promise<CallStore>
}

/** Results of calls for as long as the process lives, or less. */
export class MemoryCallStore implements CallStore {
  readonly #values = new Map<string, Uint8Array>()

  get size(): number {
    return this.#values.size
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#values.get(key))
  }

  put(key: string, value: Uint8Array): Promise<void> {
    this.#values.set(key, value)
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
