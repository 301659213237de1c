/**
 * What a run tells about itself: one union of plain events. Progress bars, the timeline page,
 * `explain` and tests are readers of it; operators know nothing of it.
 */

/** Why something waits. */
export type WaitReason = 'input' | 'room' | 'worker' | 'memory' | 'limit' | 'user'

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
      /** An element failed for good and went to the dead letters. */
      readonly type: 'dead'
      readonly stage: string
      readonly index: number
      readonly element: unknown
      readonly error: unknown
      readonly attempts: number
    }

/** Receives events as they happen; must not throw and should be quick. */
export type Observer = (event: RunEvent) => void
