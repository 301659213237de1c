/** Time, as what waits sees it. The machine's by default; a test's own, where an hour takes no time at all. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** Milliseconds since 1970, for dates that servers send. */
  date(): number
  /** Calls `fn` once, `ms` milliseconds from now at the earliest. What it returns calls it off. */
  after(ms: number, fn: () => void): () => void
}

/** Longest time a timer of Node takes; a longer one would ring at once. */
const LONGEST = 2 ** 31 - 1

/** The time of this machine. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  after: (ms, fn) => {
    let timer = setTimeout(ring, Math.min(ms, LONGEST), ms)
    function ring(left: number): void {
      if (left <= LONGEST) fn()
      else timer = setTimeout(ring, Math.min(left - LONGEST, LONGEST), left - LONGEST)
    }
    return () => {
      clearTimeout(timer)
    }
  },
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that is aborted first. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const onAbort = (): void => {
      cancel()
      reject(signal.reason as Error)
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Milliseconds that a function may hold up the thread with one element: people see a stutter of more. */
export const SLOW_MS = 50
