import type { Local } from '../stream/local.ts'
import type { PlacedStage, PoolOptions, WorkPool } from '../stream/pool.ts'
import type { StageRecord } from './record.ts'

/** Where workers run: `inline`, `threads(n)`, `processes(n)`. A value, so that a pipeline can take it as a parameter. */
export interface Place {
  /** How the place prints, such as `threads(2)`. */
  readonly name: string
  /** True when it leaves the number of workers to the run. */
  readonly auto?: boolean
  /** Starts the workers of one stage for one run. */
  open(stage: StageRecord, signal: AbortSignal, how?: PoolOptions): Promise<WorkPool>
}

/** A stage together with its place; `Dataset.map` takes it in the place of a function. */
export interface Placed<in I, out O> extends PlacedStage {
  /** The same work in this thread. */
  readonly inline: (x: I, local?: Local) => O | Promise<O>
}
