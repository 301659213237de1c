import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import { checkOptionNames, checkWhole } from '../../operators/check.ts'
import type { Clock } from '../../stream/clock.ts'
import { systemClock } from '../../stream/clock.ts'
import { Memory } from '../../stream/memory.ts'
import type { Observer } from '../../trace/events.ts'
import { Tuner } from './tuner.ts'

/** Bounds of what a run sets itself; numbers that the user said stay as they are. */
export interface AutotuneOptions {
  /**
   * Cores that workers of stages on `threads('auto')` may compute on, all stages together; each stage has one worker
   * in any case. Default: as many as the process may use.
   */
  readonly cpuBudget?: number
  /**
   * Bytes that elements may hold which are worked on or wait between stages, all stages together; each has one element
   * in any case. Sizes are those of the elements seen, so the first ones of a stage, and its chunk of input, come on
   * top; buffers of a size that was said (shuffle, cache) are not counted. Default: 64 MiB for each stage.
   */
  readonly ramBudget?: number
}

const names: Readonly<Record<keyof AutotuneOptions, true>> = { cpuBudget: true, ramBudget: true }

/** @throws InvalidArgumentError when the budget is none. */
export function memoryOf({ autotune }: Tunable): Memory {
  if (autotune === undefined || autotune === false || autotune.ramBudget === undefined) {
    return new Memory(undefined)
  }
  return new Memory(checkWhole('autotune', 'ramBudget', autotune.ramBudget, 1))
}

interface Tunable {
  readonly autotune?: AutotuneOptions | false
  readonly clock?: Clock
  readonly observe?: Observer
}

/** @throws InvalidArgumentError when a bound is none. */
export function tunerOf(options: Tunable, waitedMs: () => number): Tuner {
  const { autotune = {}, clock = systemClock, observe } = options
  const bounds = autotune === false ? {} : autotune
  checkOptionNames('autotune', bounds, names)
  const { cpuBudget = availableParallelism() } = bounds
  return new Tuner({
    clock,
    cores: checkWhole('autotune', 'cpuBudget', cpuBudget, 1),
    on: autotune !== false,
    // Of a clock of its own nobody knows when the thread is busy.
    threadMs: clock === systemClock ? () => performance.eventLoopUtilization().active : () => 0,
    waitedMs,
    observe,
  })
}
