/** Values on their way to another thread: in a slot where they fit into one, else in the message itself. */
import { pack, type Packed } from '../../stream/wire.ts'
import { describe } from '../../tensor/batch.ts'
import { encode } from './encode.ts'
import { SlotFull } from './slot-memory.ts'
import { type RingLayout, Slots } from './slots.ts'

/** Values as they are told to the other thread. */
export interface Wired extends Pick<Packed, 'values' | 'marked'> {
  /** Where the values are, but for those in `values`; undefined when all are there. */
  readonly slot: number | undefined
  readonly count: number
  /** How full the slot is, from 0 to 1; 2 when they did not fit, 0 when none was free. */
  readonly filled: number
  /** What goes by structured clone, such as `a Map`. */
  readonly cloned?: string
}

/** Values ready for `postMessage`. */
export interface Sending {
  readonly wired: Wired
  readonly transfer: readonly ArrayBuffer[]
}

/** The end of a ring that fills its slots. */
export class Sender {
  readonly #slots: Slots | undefined

  /** Without a ring everything goes in messages. */
  constructor(ring: RingLayout | undefined) {
    this.#slots = ring && new Slots(ring)
  }

  /** Copies `values`; the originals stay as they are. */
  pack(values: readonly unknown[]): Sending {
    const slot = this.#slots?.take()
    if (this.#slots === undefined || slot === undefined) return inMessage(values, 0)
    const memory = this.#slots.open(slot)
    try {
      const clones = encode(values, memory)
      const { transfer, ...packed } = pack(clones)
      const cloned = clones.length === 0 ? undefined : describe(clones[0])
      const filled = memory.at / memory.size
      const wired = { ...packed, slot, count: values.length, filled, ...(cloned && { cloned }) }
      return { wired, transfer }
    } catch (error) {
      this.#slots.free(slot)
      if (error instanceof SlotFull) return inMessage(values, 2)
      throw error
    }
  }

  /** What was packed is not sent. */
  drop({ slot }: Wired): void {
    if (slot !== undefined) this.#slots?.free(slot)
  }
}

function inMessage(values: readonly unknown[], filled: number): Sending {
  const { transfer, ...packed } = pack(values)
  return { wired: { ...packed, slot: undefined, count: values.length, filled }, transfer }
}
