import type { KnobUnit } from '../../trace/events.ts'

/** What came of a change. */
export interface Change {
  readonly unit: KnobUnit
  readonly from: number
  readonly to: number
  readonly kept: number
  /** Factors of the stage's rate. */
  readonly gain: number
  readonly predicted: number
}

/** A change in words, such as `64 calls: 3.9 x as fast as 16`. */
export function reasonOf({ unit, from, to, kept, gain, predicted }: Change): string {
  const measured = `${to} ${unit} were ${factor(gain)} as fast as ${from}, ${factor(predicted)} was predicted`
  if (kept === to) return measured
  return `${measured}: ${kept === from ? 'back to' : 'on to'} ${kept}`
}

export function factor(x: number): string {
  return `${x.toFixed(2)} x`
}
