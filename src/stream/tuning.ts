import type { KnobUnit } from '../trace/events.ts'

/**
 * The port between operators and what tunes a run. An operator asks for a knob, once for each opening, and looks at
 * its value whenever it could do more or less; it never turns it.
 */

/** Within which bounds a knob may be turned, and where it starts. `least` equal to `most`: the user said it. */
export interface KnobRange {
  readonly unit: KnobUnit
  readonly start: number
  readonly least: number
  readonly most: number
}

export interface Knob {
  readonly value: number
  /** Its value has an effect only when this resolves, which never rejects. */
  awaits(effect: Promise<void>): void
  /** Of what reads ahead: its reader found nothing, or it found no room. */
  met(what: 'empty' | 'full'): void
}

/** Why a lane has nothing to do: nothing came, or results that wait fill all the room. */
export type IdleReason = 'input' | 'room'

/** A number that the user said. */
export function pinned(unit: KnobUnit, value: number): KnobRange {
  return { unit, start: value, least: value, most: value }
}
