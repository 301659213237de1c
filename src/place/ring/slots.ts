/**
 * Slots of shared memory between two threads, for one direction. Who fills a slot takes it, who read it frees it;
 * that a slot was filled is told by a message, so that nobody ever waits for a slot.
 */
import { SlotMemory } from './slot-memory.ts'

/** How the memory of a ring is divided; sent to the other thread as it is. */
export interface RingLayout {
  /** The states of the slots, then the slots. */
  readonly memory: SharedArrayBuffer
  readonly slots: number
  /** A multiple of 8. */
  readonly slotBytes: number
}

const FREE = 0
const TAKEN = 1

/** Bytes before the first slot: a state for each, on cache lines of their own. */
const headOf = (slots: number): number => Math.ceil((slots * 4) / 64) * 64

/** Bytes that a ring takes. */
export function ringBytes(slots: number, slotBytes: number): number {
  return headOf(slots) + slots * slotBytes
}

/** @throws RangeError when there is no memory for it. */
export function makeRing(slots: number, slotBytes: number): RingLayout {
  return { memory: new SharedArrayBuffer(ringBytes(slots, slotBytes)), slots, slotBytes }
}

/** One end of a ring. */
export class Slots {
  readonly #states: Int32Array
  readonly #memories: readonly SlotMemory[]

  constructor({ memory, slots, slotBytes }: RingLayout) {
    this.#states = new Int32Array(memory, 0, slots)
    this.#memories = Array.from(
      { length: slots },
      (_, k) => new SlotMemory(memory, headOf(slots) + k * slotBytes, slotBytes),
    )
  }

  /**
   * A free slot, from now on the writer's; undefined when all are in use. The first that is free: memory that was just
   * read is still in the processor's cache, and what is never needed is never touched.
   */
  take(): number | undefined {
    for (let slot = 0; slot < this.#states.length; slot++) {
      if (Atomics.compareExchange(this.#states, slot, FREE, TAKEN) === FREE) return slot
    }
    return undefined
  }

  /** The memory of a slot, to be written or read from its start on. */
  open(slot: number): SlotMemory {
    const memory = this.#memories[slot]
    if (memory === undefined) throw new RangeError(`there is no slot ${slot}`)
    memory.at = 0
    return memory
  }

  /** The slot may be taken again. */
  free(slot: number): void {
    Atomics.store(this.#states, slot, FREE)
  }

  /** Slots in use. */
  get taken(): number {
    let count = 0
    for (let k = 0; k < this.#states.length; k++) count += Atomics.load(this.#states, k)
    return count
  }
}
