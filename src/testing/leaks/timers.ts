import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import promises from 'node:timers/promises'
import { here } from './where.ts'

/** A timer that was set. */
export interface TimerSet {
  readonly what: string
  readonly stack: Error
}

/** Of Node's timers: true once one has rung or was cleared. */
interface Rung {
  readonly _destroyed?: boolean
}

/** Timers kept before those that are over are looked for. */
const MANY = 1024

/** Node's own, which nobody watches. */
export const pause = promises.setTimeout

const set = new Map<object, TimerSet>()
let room = MANY
let watching = false

/**
 * Remembers from here on, for the rest of the process, who set a timer. The functions are replaced, as fake timers do:
 * Node tells how many timers there are, but not whose, and a test's runner has some of its own.
 */
export function watchTimers(): void {
  if (watching) return
  watching = true
  timers.setTimeout = watched('setTimeout', timers.setTimeout)
  timers.setInterval = watched('setInterval', timers.setInterval)
  globalThis.setTimeout = watched('setTimeout', globalThis.setTimeout)
  globalThis.setInterval = watched('setInterval', globalThis.setInterval)
  promises.setTimeout = (ms, value, options) => {
    const sleeping = {}
    set.set(sleeping, {
      what: `timer of ${ms ?? 1} ms, setTimeout of timers/promises`,
      stack: here(),
    })
    return pause(ms, value, options).finally(() => set.delete(sleeping))
  }
  syncBuiltinESMExports()
}

/** Timers that have neither rung nor been cleared. */
export function timersOpen(): ReadonlyMap<object, TimerSet> {
  for (const timer of set.keys()) if ((timer as Rung)._destroyed === true) set.delete(timer)
  room = Math.max(MANY, 2 * set.size)
  return set
}

/** The function with its properties: `setTimeout` has one for `util.promisify`. */
function watched<F extends typeof setTimeout | typeof setInterval>(name: string, original: F): F {
  const replaced = (fn: () => void, ms?: number, ...args: unknown[]): NodeJS.Timeout => {
    const timer = (original as (...all: unknown[]) => NodeJS.Timeout)(fn, ms, ...args)
    set.set(timer, { what: `timer of ${ms ?? 1} ms, ${name}`, stack: here() })
    if (set.size > room) timersOpen()
    return timer
  }
  return Object.defineProperties(replaced, {
    ...Object.getOwnPropertyDescriptors(original),
  }) as unknown as F
}
