import { StageAddressError } from '../errors/index.ts'
import type { Place } from '../stage/placed.ts'
import { birthLabel } from '../stage/birth.ts'
import type { StageRecord } from '../stage/record.ts'
import { openWorkers, type PlaceOptions, widthOf } from './open-workers.ts'
import { isSerializable, startProcess } from './process-host.ts'

/**
 * Processes of their own, started for each run: `ds.map(decode.on(processes(2)))`. The same as `threads()`, for code
 * that may crash: what ends a process - a native crash, `kill -9`, memory that runs out - leaves the program as it is.
 * They take longer to start, and values are copied through pipes.
 *
 * `count`: processes per stage; `'auto'`, the default, leaves it to the run, as with `threads`. A
 * program that dies takes its processes along.
 *
 * @throws InvalidArgumentError when `count` is not a whole number from 1 to 1024.
 */
export function processes(count: number | 'auto' = 'auto', options: PlaceOptions = {}): Place {
  const n = widthOf('processes', count, options)
  return {
    name: `processes(${count})`,
    auto: count === 'auto',
    open: async (stage, signal, how) => {
      checkConfig(stage)
      return openWorkers('processes', how?.workers ?? n, stage, {
        signal,
        how,
        start: (birthright, name) => startProcess(birthright, name, options.heapMb),
      })
    },
  }
}

function checkConfig({ url, birth, config }: StageRecord): void {
  if (isSerializable(config)) return
  throw new StageAddressError(
    `The parameters given to ${birthLabel(url, birth)}.with() cannot be sent to another process: they hold ` +
      'memory that only threads share. Pass data, or use threads().',
  )
}
