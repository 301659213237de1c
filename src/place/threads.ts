import type { Place } from '../stage/placed.ts'
import { openWorkers, type PlaceOptions, widthOf } from './open-workers.ts'
import { slotBytesFor } from './ring/rings.ts'
import { startThread } from './thread-host.ts'

/**
 * Worker threads of this process, started for each run: `ds.map(decode.on(threads(4)))`. Results are the
 * same as in this thread, random numbers and order included. A native crash in a thread takes the whole process along:
 * `processes()` are for code that does.
 *
 * `count`: threads per stage. `'auto'`, the default, leaves it to the run: it begins with one less than there are cores,
 * since the pipeline itself needs one, and changes that while it measures (`iterate({ autotune: { cpuBudget } })`).
 *
 * @throws InvalidArgumentError when `count` is not a whole number from 1 to 1024.
 */
export function threads(count: number | 'auto' = 'auto', options: PlaceOptions = {}): Place {
  const n = widthOf('threads', count, options)
  const { heapMb } = options
  const slotBytes = slotBytesFor(n)
  return {
    name: `threads(${count})`,
    auto: count === 'auto',
    open: (stage, signal, how) =>
      openWorkers('threads', how?.workers ?? n, stage, {
        signal,
        how,
        start: (birthright, name) => startThread(birthright, name, { slotBytes, heapMb }),
      }),
  }
}
