import { availableParallelism } from 'node:os'
import { InvalidArgumentError, StageAddressError } from '../errors/index.ts'
import { locate } from '../stage/address.ts'
import type { Place } from '../stage/placed.ts'
import type { StageRecord } from '../stage/record.ts'
import type { WorkPool } from '../stream/pool.ts'
import { workerOf } from './nesting.ts'
import { slotBytesFor } from './ring/rings.ts'
import { openThreads } from './thread-pool.ts'

const settleLimit = 30_000
const exitLimit = 5_000

/**
 * Worker threads of this process, started for each run: `ds.map(decode.on(threads(4)))`. Results are the
 * same as in this thread, random numbers and order included.
 *
 * `count`: threads per stage; `'auto'`, the default, means one less than the processor has cores, since
 * the pipeline itself needs one, and at least one.
 *
 * @throws InvalidArgumentError when `count` is not a whole number from 1 to 1024.
 */
export function threads(count: number | 'auto' = 'auto'): Place {
  const n = count === 'auto' ? Math.max(1, availableParallelism() - 1) : count
  if (!Number.isInteger(n) || n < 1 || n > 1024) {
    throw new InvalidArgumentError(`threads(n) takes a whole number from 1 to 1024, not ${n}`)
  }
  return { name: `threads(${count})`, open: (stage, signal) => open(stage, n, signal) }
}

async function open(stage: StageRecord, count: number, signal: AbortSignal): Promise<WorkPool> {
  const outer = workerOf()
  if (outer !== undefined) {
    throw new StageAddressError(
      `threads() was opened inside the worker of ${outer}. Either the stage's module runs a pipeline when ` +
        'it is imported (move the stage to a module of its own), or a stage itself uses threads: ' +
        'place its parts one after the other in one pipeline instead.',
    )
  }
  const address = await locate(stage)
  const slotBytes = slotBytesFor(count)
  const { config } = stage
  return openThreads(count, { address, config, slotBytes, settleLimit, exitLimit }, signal)
}
