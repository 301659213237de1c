import { OutOfTimeError } from '../errors/index.ts'
import { systemClock } from '../stream/clock.ts'
import { type Duration, durationMs } from '../stream/duration.ts'

/** A signal that is aborted when another one is, or after a time. `clear` forgets the time. */
export function stopAfter(
  time: Duration | undefined,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; clear(): void } {
  const control = new AbortController()
  const onAbort = (): void => control.abort(outer?.reason)
  if (outer?.aborted === true) onAbort()
  outer?.addEventListener('abort', onAbort, { once: true })
  let cancel = (): void => undefined
  if (time !== undefined) {
    const ms = durationMs('run', 'maxTime', time)
    cancel = systemClock.after(ms, () => control.abort(new OutOfTimeError(time)))
  }
  return {
    signal: control.signal,
    clear: () => {
      cancel()
      outer?.removeEventListener('abort', onAbort)
    },
  }
}
