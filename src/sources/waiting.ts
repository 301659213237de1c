/** Milliseconds that a source has to answer its last call when the run stops; its signal was aborted. */
export const GRACE = 1000

/** Waits for user code that may never answer; `interrupt` ends the wait with another value. */
export class Waiting<I> {
  #interrupt: ((instead: I) => void) | undefined

  /** What `promise` settles with, or what interrupted it. `Promise.race` would keep every loser alive. */
  async wait<T>(promise: Promise<T>): Promise<T | I> {
    try {
      return await new Promise<T | I>((resolve, reject) => {
        this.#interrupt = resolve
        promise.then(resolve, (error: unknown) => {
          reject(error instanceof Error ? error : new Error(String(error), { cause: error }))
        })
      })
    } finally {
      this.#interrupt = undefined
    }
  }

  interrupt(instead: I): void {
    this.#interrupt?.(instead)
  }
}

/** Waits for `promise`, but not longer. */
export async function settledWithin(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise, patience]).finally(() => clearTimeout(timer))
}
