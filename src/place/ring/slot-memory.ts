/** What does not fit into its slot goes another way. */
export class SlotFull extends Error {
  constructor() {
    super('the slot is full')
  }
}

const slotFull = new SlotFull()

/** The bytes of a slot, written or read one part after the other. Each part begins at a multiple of 8 bytes. */
export class SlotMemory {
  readonly shared: SharedArrayBuffer
  /** Where the slot begins in `shared`. */
  readonly from: number
  readonly size: number
  readonly bytes: Buffer
  readonly ints: Int32Array
  readonly floats: Float64Array
  /** Where the next part begins. */
  at = 0

  constructor(shared: SharedArrayBuffer, from: number, size: number) {
    this.shared = shared
    this.from = from
    this.size = size
    this.bytes = Buffer.from(shared, from, size)
    this.ints = new Int32Array(shared, from, size / 4)
    this.floats = new Float64Array(shared, from, size / 8)
  }

  /**
   * Where a part of so many bytes begins; the next one follows it.
   *
   * @throws SlotFull
   */
  part(bytes: number): number {
    this.require(bytes)
    const { at } = this
    this.at = Math.ceil((at + bytes) / 8) * 8
    return at
  }

  /** @throws SlotFull unless so many bytes are left. */
  require(bytes: number): void {
    if (this.at + bytes > this.size) throw slotFull
  }

  writeInt(value: number): void {
    this.ints[this.part(4) / 4] = value
  }

  readInt(): number {
    return this.ints[this.part(4) / 4] ?? 0
  }

  writeInts(values: readonly number[]): void {
    const from = this.part(4 * values.length) / 4
    for (let i = 0; i < values.length; i++) this.ints[from + i] = values[i] ?? 0
  }

  readInts(count: number): number[] {
    const from = this.part(4 * count) / 4
    const values = new Array<number>(count)
    for (let i = 0; i < count; i++) values[i] = this.ints[from + i] ?? 0
    return values
  }
}
