/**
 * What a run tells about itself: one union of plain events. Progress bars, the timeline page,
 * `explain` and tests are readers of it; operators know nothing of it.
 */

/** Why something waits. */
export type WaitReason = 'input' | 'room' | 'worker' | 'memory' | 'limit' | 'user'

/** What a run sets itself: calls under way, workers of a stage, or elements that are read ahead. */
export type KnobUnit = 'calls' | 'workers' | 'elements'

/** Stable names of what a run warns of. */
export type WarningCode =
  | 'cache-after-random'
  | 'cache-after-shuffle'
  | 'cache-not-filled'
  | 'cache-without-end'
  | 'batch-before-shuffle'
  | 'small-shuffle'
  | 'shuffle-within-file'
  | 'large-shuffle'
  | 'unordered-before-shuffle'
  | 'repeat-before-shuffle'
  | 'split-after-shuffle'
  | 'read-once'
  | 'no-prefetch'
  | 'shard-late'
  | 'slow-function'
  | 'slow-hand-over'
  | 'generator-runs-again'
  | 'no-progress'

/** Times are milliseconds of `performance.now()` of the thread that runs the pipeline. */
export type RunEvent =
  | {
      /** A piece of work: `n` elements of `stage` were worked on in `lane` from `start` to `end`. */
      readonly type: 'slice'
      readonly stage: string
      readonly lane: string
      readonly start: number
      readonly end: number
      readonly n: number
      /** Ordinal of the first of them among the elements that came to the stage, where workers take them in jobs. */
      readonly first?: number
    }
  | {
      /** `lane` had nothing to do, and why. */
      readonly type: 'wait'
      readonly stage: string
      readonly lane: string
      readonly reason: WaitReason
      readonly start: number
      readonly end: number
    }
  | {
      /** An element failed and the stage's policy went on without it. */
      readonly type: 'skip'
      readonly stage: string
      readonly index: number
      readonly element: unknown
      readonly error: unknown
    }
  | {
      /** Call `attempt` for an element failed; the next follows in `delay` milliseconds at the earliest. */
      readonly type: 'retry'
      readonly stage: string
      readonly index: number
      readonly attempt: number
      readonly error: unknown
      readonly delay: number
    }
  | {
      /** An element failed for good and went to the dead letters. */
      readonly type: 'dead'
      readonly stage: string
      readonly index: number
      readonly element: unknown
      readonly error: unknown
      readonly attempts: number
    }
  | {
      /** How far a run has come: all this is done to its sink and will not be done again. */
      readonly type: 'position'
      readonly delivered: number
      readonly skipped: number
      readonly dead: number
      /** Of this process: results that were kept from earlier calls, and what calls cost, by meter. */
      readonly cached?: number
      readonly spent?: { readonly [meter: string]: number }
    }
  | {
      /** A number that the run sets itself was changed and measured; `kept` is what it is now. */
      readonly type: 'tune'
      readonly stage: string
      readonly unit: KnobUnit
      readonly from: number
      readonly to: number
      readonly kept: number
      /** Factors by which the stage was to be faster, and was; of calls and workers. */
      readonly predicted?: number
      readonly measured?: number
      readonly reason: string
    }
  | {
      /** Something works, and is probably not what was meant; told once, most when the run starts. */
      readonly type: 'warning'
      readonly code: WarningCode
      readonly stage: string
      /** Where the user added the stage: `file:line`. */
      readonly at?: string
      /** What happens, and what to do. */
      readonly message: string
    }

/** Receives events as they happen; must not throw and should be quick. */
export type Observer = (event: RunEvent) => void
