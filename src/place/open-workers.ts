import { availableParallelism } from 'node:os'
import { InvalidArgumentError, StageAddressError } from '../errors/index.ts'
import { locate } from '../stage/address.ts'
import type { StageRecord } from '../stage/record.ts'
import type { PoolOptions, WorkPool } from '../stream/pool.ts'
import type { Host } from './host.ts'
import { workerOf } from './nesting.ts'
import { openPool } from './pool.ts'
import type { WorkerStart } from './protocol.ts'

/** What the workers of a place get. */
export interface PlaceOptions {
  /** JavaScript heap of each worker in MiB; one that needs more dies. Default: Node's, some GiB. */
  readonly heapMb?: number
}

const settleLimit = 30_000
const exitLimit = 5_000
const maxDeaths = 32

/** How many workers `threads(count)` and `processes(count)` mean. */
export function widthOf(place: string, count: number | 'auto', { heapMb }: PlaceOptions): number {
  const n = count === 'auto' ? Math.max(1, availableParallelism() - 1) : count
  if (!Number.isInteger(n) || n < 1 || n > 1024) {
    throw new InvalidArgumentError(`${place}(n) takes a whole number from 1 to 1024, not ${n}`)
  }
  if (heapMb !== undefined && !(heapMb >= 16)) {
    throw new InvalidArgumentError(
      `${place}: heapMb must be a number of at least 16, not ${heapMb}`,
    )
  }
  return n
}

interface Opening {
  readonly signal: AbortSignal
  readonly how: PoolOptions | undefined
  readonly start: (start: WorkerStart, name: string) => Host
}

/** Finds the stage, then starts its workers. */
export async function openWorkers(
  place: string,
  count: number,
  stage: StageRecord,
  { signal, how, start }: Opening,
): Promise<WorkPool> {
  const outer = workerOf()
  if (outer !== undefined) {
    throw new StageAddressError(
      `${place}() was opened inside the worker of ${outer}. Either the stage's module runs a pipeline when ` +
        'it is imported (move the stage to a module of its own), or a stage itself uses workers: ' +
        'place its parts one after the other in one pipeline instead.',
    )
  }
  const address = await locate(stage)
  const options = {
    address,
    start: (name: string) => start({ address, config: stage.config }, name),
    settleLimit,
    exitLimit,
    maxDeaths,
    replaces: how?.replaces === true,
  }
  return openPool(count, options, signal)
}
