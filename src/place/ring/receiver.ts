import { unpack } from '../../stream/wire.ts'
import { decode } from './decode.ts'
import type { Wired } from './sender.ts'
import { type RingLayout, Slots } from './slots.ts'
import { copied, inPlace, revocable } from './views.ts'

/** Values that arrived. */
export interface Received {
  readonly values: readonly unknown[]
  /** Typed arrays among them are lent, and valid until this is called. */
  readonly release?: () => void
}

/** The end of a ring that reads its slots. */
export class Receiver {
  readonly #slots: Slots | undefined

  constructor(ring: RingLayout | undefined) {
    this.#slots = ring && new Slots(ring)
  }

  /** The values: copied out of their slot, or lent. */
  open(wired: Wired, lend?: 'inPlace' | 'checked'): Received {
    const { slot, count } = wired
    const slots = this.#slots
    const inMessage = unpack(wired)
    if (slots === undefined || slot === undefined) return { values: inMessage }
    const memory = slots.open(slot)
    if (lend === 'inPlace') {
      const values = decode(count, memory, inMessage, inPlace)
      return { values, release: () => slots.free(slot) }
    }
    const { views, revoke } =
      lend === undefined ? { views: copied, revoke: undefined } : revocable()
    const values = decode(count, memory, inMessage, views)
    slots.free(slot)
    return revoke === undefined ? { values } : { values, release: revoke }
  }
}
