/** Learning rates by step. */

import { InvalidArgumentError } from '../errors/index.ts'

/** A rate that rises in a straight line, then falls in one. */
export interface WarmupDecay {
  /** Highest learning rate, reached at the end of the warm-up. */
  readonly peak: number
  /** Steps of the rise; 0 starts at the peak. */
  readonly warmupSteps: number
  /** Steps in all; the rate would be 0 in the step after the last. */
  readonly totalSteps: number
}

/**
 * The learning rate of step `step`, from 0. The first step is already above 0, and so is the last; from
 * `totalSteps` on it is 0.
 *
 * @throws InvalidArgumentError when the warm-up is not shorter than the whole.
 */
export function warmupDecay({ peak, warmupSteps, totalSteps }: WarmupDecay, step: number): number {
  if (!(warmupSteps >= 0 && warmupSteps < totalSteps))
    throw new InvalidArgumentError(
      `A warm-up of ${warmupSteps} steps must be shorter than all ${totalSteps} steps.`,
    )
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps
  return (peak * Math.max(0, totalSteps - step)) / (totalSteps - warmupSteps)
}
