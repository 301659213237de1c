/** Slots at first, a power of two. */
const SLOTS = 1024
/** Share of slots in use from which on there are twice as many. */
const FULL = 0.7

const USED = 1
const KNOWN = 2
const SEEN = 4
const UNSURE = 8

/** A number of 64 bits in halves. */
export interface Half {
  readonly high: number
  readonly low: number
}

/**
 * Hashes of keys, and of what belongs to them: 17 bytes a slot, outside of the heap. Keys are compared by 64 bits: of
 * ten million, two are alike once in 370,000 times, and then what belongs to them still differs.
 */
export class KeyTable {
  #words = new Uint32Array(4 * SLOTS)
  #flags = new Uint8Array(SLOTS)
  #used = 0

  /** The slot of a key; a new one where it has none. Good until the next call. */
  slotOf({ high, low }: Half): number {
    if (this.#used > FULL * this.#flags.length) this.#grow()
    const slot = this.#find(high, low)
    if (this.#flags[slot] === 0) {
      this.#flags[slot] = USED
      this.#words[4 * slot] = high
      this.#words[4 * slot + 1] = low
      this.#used++
    }
    return slot
  }

  /** True when the pass before had the key. */
  isKnown(slot: number): boolean {
    return this.#has(slot, KNOWN)
  }

  /** True when this pass has met the key. */
  isSeen(slot: number): boolean {
    return this.#has(slot, SEEN)
  }

  /** True when it holds what belongs to the key, and that was brought to its end. */
  isSame(slot: number, { high, low }: Half): boolean {
    if (this.#has(slot, UNSURE)) return false
    return this.#words[4 * slot + 2] === high && this.#words[4 * slot + 3] === low
  }

  /** Notes what the pass before had; `unsure` when it was not brought to its end. */
  know(slot: number, by: Half, unsure: boolean): void {
    this.#set(slot, KNOWN, by)
    if (unsure) this.#flags[slot] = (this.#flags[slot] ?? 0) | UNSURE
  }

  /** Notes what this pass has. */
  see(slot: number, by: Half): void {
    this.#set(slot, SEEN, by)
    this.#flags[slot] = (this.#flags[slot] ?? 0) & ~UNSURE
  }

  #has(slot: number, flag: number): boolean {
    return ((this.#flags[slot] ?? 0) & flag) !== 0
  }

  #set(slot: number, flag: number, { high, low }: Half): void {
    this.#flags[slot] = (this.#flags[slot] ?? 0) | flag
    this.#words[4 * slot + 2] = high
    this.#words[4 * slot + 3] = low
  }

  /** The key's slot, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const mask = this.#flags.length - 1
    let slot = low & mask
    while (this.#flags[slot] !== 0) {
      if (this.#words[4 * slot] === high && this.#words[4 * slot + 1] === low) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const [words, flags] = [this.#words, this.#flags]
    this.#words = new Uint32Array(2 * words.length)
    this.#flags = new Uint8Array(2 * flags.length)
    for (let old = 0; old < flags.length; old++) {
      if (flags[old] === 0) continue
      const slot = this.#find(words[4 * old] ?? 0, words[4 * old + 1] ?? 0)
      this.#flags[slot] = flags[old] ?? 0
      this.#words.set(words.subarray(4 * old, 4 * old + 4), 4 * slot)
    }
  }
}
