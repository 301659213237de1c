import { OutOfTimeError } from '../errors/index.ts'
import { type Duration, durationMs } from '../stream/duration.ts'

/** Longest time a timer of Node takes. */
const LONGEST = 2 ** 31 - 1

/** A signal that is aborted when another one is, or after a time. `clear` forgets the time. */
export function stopAfter(
  time: Duration | undefined,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; clear(): void } {
  const control = new AbortController()
  const onAbort = (): void => control.abort(outer?.reason)
  if (outer?.aborted === true) onAbort()
  outer?.addEventListener('abort', onAbort, { once: true })
  let timer: NodeJS.Timeout | undefined
  if (time !== undefined) {
    const ms = Math.min(durationMs('run', 'maxTime', time), LONGEST)
    timer = setTimeout(() => control.abort(new OutOfTimeError(time)), ms).unref()
  }
  return {
    signal: control.signal,
    clear: () => {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onAbort)
    },
  }
}
