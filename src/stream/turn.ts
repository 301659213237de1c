/** One turn of the event loop: timers, signals and finished I/O get their say. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Steps of the promise queue in which what needs no more than those settles. */
const STEPS = 32
const STEP = Promise.resolve()

/**
 * Whether it resolves well within a turn of the event loop: then it pays to wait for it before what is there is
 * handed out. False for what rejects; whoever awaits it gets the error.
 */
export async function arrived(promise: Promise<unknown>): Promise<boolean> {
  let outcome: boolean | undefined
  promise.then(
    () => (outcome = true),
    () => (outcome = false),
  )
  // A turn costs as much as some hundred steps, and most of what is asked here needs none.
  for (let k = 0; k < STEPS && outcome === undefined; k++) await STEP
  if (outcome === undefined) await turn()
  return outcome ?? false
}

/**
 * A promise that is waited for again and again, a while at a time: a wait costs a timer, and leaves nothing behind at
 * the promise. Of what it rejects with, whoever awaits it hears.
 */
export class Settling {
  #settled = false
  #wake: (() => void) | undefined

  constructor(promise: Promise<unknown>) {
    const settle = (): void => {
      this.#settled = true
      this.#wake?.()
    }
    promise.then(settle, settle)
  }

  /** Whether it has settled before `ms` milliseconds are over. A wait that is not `kept` does not keep the process. */
  async within(ms: number, kept = true): Promise<boolean> {
    if (this.#settled) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      if (!kept) timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
    return this.#settled
  }
}
