/** Values read from a slot again. */
import { Column, type NumericArray, type Shape, Tensor } from '../../tensor/tensor.ts'
import { type ByteKind, byteKinds, constants, kinds } from './kinds.ts'
import { shapeOf } from './shapes.ts'
import type { SlotMemory } from './slot-memory.ts'
import { readText } from './text.ts'
import { copied, type ViewMaker } from './views.ts'

/** Kinds of which a batch makes a tensor: those of numbers. */
const stackable = new Set<ByteKind>(byteKinds)
for (const kind of ['BigInt64Array', 'BigUint64Array', 'DataView', 'ArrayBuffer'] as const) {
  stackable.delete(kind)
}

/** What `encode` wrote, with those that travelled outside; `views` makes the typed arrays. */
export function decode(
  count: number,
  memory: SlotMemory,
  clones: readonly unknown[],
  views: ViewMaker,
): unknown[] {
  return new Decoder(memory, clones, views).column(count)
}

class Decoder {
  readonly #memory: SlotMemory
  readonly #clones: readonly unknown[]
  #views: ViewMaker
  #cloned = 0

  constructor(memory: SlotMemory, clones: readonly unknown[], views: ViewMaker) {
    this.#memory = memory
    this.#clones = clones
    this.#views = views
  }

  column(count: number): unknown[] {
    const memory = this.#memory
    const kind = memory.readInt()
    switch (kind) {
      case kinds.ints:
        return memory.readInts(count)
      case kinds.floats:
        return this.#floats(count)
      case kinds.text:
        return readText(count, memory)
      case kinds.bigints:
        return readText(count, memory).map(BigInt)
      case kinds.constants:
        return this.#constants(count)
      case kinds.dates:
        return this.#floats(count).map((ms) => new Date(ms))
      case kinds.bytes:
        return this.#bytes(count)
      default:
        return this.#parts(kind, count)
    }
  }

  #parts(kind: number, count: number): unknown[] {
    switch (kind) {
      case kinds.tensors:
        return this.#tensors(count)
      case kinds.records:
        return this.#records(count)
      case kinds.tuples:
        return this.#tuples(count)
      case kinds.lists:
        return this.#lists(count)
      case kinds.columns:
        return this.#columns(count)
      case kinds.mixed:
        return this.#mixed(count)
      case kinds.clones:
        return this.#clones.slice(this.#cloned, (this.#cloned += count))
      default:
        throw new RangeError(`a slot holds a column of the unknown kind ${kind}`)
    }
  }

  #floats(count: number): number[] {
    const from = this.#memory.part(8 * count) / 8
    const { floats } = this.#memory
    const values = new Array<number>(count)
    for (let i = 0; i < count; i++) values[i] = floats[from + i] ?? 0
    return values
  }

  #constants(count: number): unknown[] {
    const at = this.#memory.part(count)
    const { bytes } = this.#memory
    const values = new Array<unknown>(count)
    for (let i = 0; i < count; i++) values[i] = constants[bytes[at + i] ?? 0]
    return values
  }

  #bytes(count: number): unknown[] {
    const memory = this.#memory
    const kind = byteKinds[memory.readInt()] ?? 'Uint8Array'
    const lengths = memory.readInts(count)
    // Nor does it copy those that are not of numbers.
    const views = stackable.has(kind) ? this.#views : copied
    return lengths.map((length) => views(kind, memory, memory.part(length), length))
  }

  #tensors(count: number): Tensor[] {
    const shapes = this.column(count) as Shape[]
    const data = this.column(count) as NumericArray[]
    return shapes.map((shape, i) => new Tensor(data[i] ?? new Float64Array(0), shape))
  }

  #records(count: number): unknown[] {
    const keys = readText(this.#memory.readInt(), this.#memory)
    const columns = keys.map(() => this.column(count))
    return shapeOf(keys).join(columns, count)
  }

  #tuples(count: number): unknown[][] {
    const length = this.#memory.readInt()
    const columns = Array.from({ length }, () => this.column(count))
    return Array.from({ length: count }, (_, i) => columns.map((column) => column[i]))
  }

  #lists(count: number): unknown[][] {
    const lengths = this.#memory.readInts(count)
    const all = this.column(lengths.reduce((a, b) => a + b, 0))
    let from = 0
    return lengths.map((length) => all.slice(from, (from += length)))
  }

  /** A batch keeps the members of columns as they are: they must not be lent. */
  #columns(count: number): unknown[] {
    const views = this.#views
    this.#views = copied
    const columns = this.#lists(count).map((items) => Column.copy(items))
    this.#views = views
    return columns
  }

  #mixed(count: number): unknown[] {
    const memory = this.#memory
    const at = memory.part(count)
    const groups = Array.from({ length: memory.readInt() }, () => ({
      members: this.column(memory.readInt()),
      taken: 0,
    }))
    return Array.from({ length: count }, (_, i) => {
      const group = groups[memory.bytes[at + i] ?? 0]
      return group?.members[group.taken++]
    })
  }
}
