/** Ctrl-C and its like: the first asks the run to end, the second ends the process. */
import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof signals)[number]

/** How the process is asked to stop. */
export interface Stop {
  /** Aborted by the first signal, and by `abort`. */
  readonly signal: AbortSignal
  /** Exit code the signal stands for, such as 130; undefined as long as none came. */
  readonly code: number | undefined
  abort(): void
  /** Gives the signals back to Node. */
  release(): void
}

/** Listens to the signals; `told` hears of the first. */
export function listenForStop(told: (signal: string) => void): Stop {
  const control = new AbortController()
  let code: number | undefined
  const onSignal = (name: Signal): void => {
    if (code !== undefined) process.exit(code)
    code = 128 + constants.signals[name]
    told(name)
    control.abort(new DOMException(`stopped by ${name}`, 'AbortError'))
  }
  for (const name of signals) process.on(name, onSignal)
  return {
    signal: control.signal,
    get code() {
      return code
    },
    abort: () => {
      control.abort()
    },
    release: () => {
      for (const name of signals) process.off(name, onSignal)
    },
  }
}

/** A run that was asked to stop ends by an error; that is no failure. */
export async function unlessStopped<T>(
  promise: Promise<T>,
  { signal }: Stop,
): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}
