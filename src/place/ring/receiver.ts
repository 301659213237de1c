import { unpack } from '../../stream/wire.ts'
import { decode } from './decode.ts'
import type { Wired } from './sender.ts'
import { type RingLayout, Slots } from './slots.ts'
import { copied, inPlace } from './views.ts'

/** Values that arrived. */
export interface Received {
  readonly values: readonly unknown[]
  /** Typed arrays among them lie in a slot, and are valid until this is called; it must be, once. */
  readonly release?: () => void
}

/** The end of a ring that reads its slots. */
export class Receiver {
  readonly #slots: Slots | undefined

  constructor(ring: RingLayout | undefined) {
    this.#slots = ring && new Slots(ring)
  }

  /** The values; copied out of their slot, unless the caller will release it. */
  open(wired: Wired, how: 'copied' | 'inPlace' = 'copied'): Received {
    const { slot, count } = wired
    const slots = this.#slots
    const inMessage = unpack(wired)
    if (slots === undefined || slot === undefined) return { values: inMessage }
    const views = how === 'copied' ? copied : inPlace
    const values = decode(count, slots.open(slot), inMessage, views)
    if (how === 'inPlace') return { values, release: () => slots.free(slot) }
    slots.free(slot)
    return { values }
  }
}
