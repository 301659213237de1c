/** Values written into a slot, as columns: what is alike lies together. */
import type { Tensor } from '../../tensor/tensor.ts'
import { byteKindOf, constants, kindOf, kinds, type Kind, MAX_DEPTH } from './kinds.ts'
import { type Fields, shapeOf } from './shapes.ts'
import type { SlotMemory } from './slot-memory.ts'
import { writeText } from './text.ts'

/** Arrays of one length are tuples up to this length, each place a column. */
const MAX_TUPLE = 16
/** A column holds so many kinds of values, counting each set of fields; the rest goes by structured clone. */
const MAX_GROUPS = 24

/**
 * Writes `values` into the slot.
 *
 * @returns those that must travel outside of it, by structured clone.
 * @throws SlotFull when they do not fit.
 */
export function encode(values: readonly unknown[], memory: SlotMemory): readonly unknown[] {
  const encoder = new Encoder(memory)
  encoder.column(values, 0)
  return encoder.clones
}

class Encoder {
  readonly clones: unknown[] = []
  readonly #memory: SlotMemory

  constructor(memory: SlotMemory) {
    this.#memory = memory
  }

  column(values: readonly unknown[], depth: number): void {
    const kind = values.length === 0 ? kinds.constants : kindOf(values[0])
    if (depth > MAX_DEPTH && holdsMore(kind)) this.#clones(values)
    else if (!areAll(kind, values) || !this.#alike(kind, values, depth)) this.#mixed(values, depth)
  }

  /** False, with nothing written, when values of the kind still differ too much for one column. */
  #alike(kind: Kind, values: readonly unknown[], depth: number): boolean {
    switch (kind) {
      case kinds.ints:
      case kinds.floats:
        this.#numbers(values as readonly number[])
        return true
      case kinds.text:
        this.#kind(kind)
        writeText(values as readonly string[], this.#memory)
        return true
      case kinds.bigints:
        this.#kind(kind)
        writeText(values.map(String), this.#memory)
        return true
      case kinds.constants:
        this.#constants(values)
        return true
      case kinds.dates:
        this.#dates(values as readonly Date[])
        return true
      case kinds.bytes:
        return this.#bytes(values as readonly (ArrayBufferView | ArrayBuffer)[])
      case kinds.records:
        return this.#records(values as readonly Fields[], depth)
      default:
        this.#parts(kind, values, depth)
        return true
    }
  }

  #parts(kind: Kind, values: readonly unknown[], depth: number): void {
    if (kind === kinds.tensors) this.#tensors(values as readonly Tensor[], depth)
    else if (kind === kinds.clones) this.#clones(values)
    else this.#arrays(kind, values as readonly (readonly unknown[])[], depth)
  }

  #kind(kind: Kind): void {
    this.#memory.writeInt(kind)
  }

  #numbers(values: readonly number[]): void {
    const memory = this.#memory
    if (areInts(values)) {
      this.#kind(kinds.ints)
      memory.writeInts(values)
      return
    }
    this.#kind(kinds.floats)
    const from = memory.part(8 * values.length) / 8
    const { floats } = memory
    for (let i = 0; i < values.length; i++) floats[from + i] = values[i] ?? 0
  }

  #constants(values: readonly unknown[]): void {
    this.#kind(kinds.constants)
    const at = this.#memory.part(values.length)
    const { bytes } = this.#memory
    for (let i = 0; i < values.length; i++) bytes[at + i] = constants.indexOf(values[i])
  }

  #dates(values: readonly Date[]): void {
    this.#kind(kinds.dates)
    const from = this.#memory.part(8 * values.length) / 8
    values.forEach((date, i) => (this.#memory.floats[from + i] = date.getTime()))
  }

  #bytes(values: readonly (ArrayBufferView | ArrayBuffer)[]): boolean {
    const memory = this.#memory
    const [first] = values
    const kind = first === undefined ? -1 : byteKindOf(first)
    if (values.some((value) => byteKindOf(value) !== kind)) return false
    if (kind < 0) {
      this.#clones(values)
      return true
    }
    this.#kind(kinds.bytes)
    memory.writeInt(kind)
    memory.writeInts(values.map((value) => value.byteLength))
    for (const value of values) memory.bytes.set(bytesOf(value), memory.part(value.byteLength))
    return true
  }

  #tensors(values: readonly Tensor[], depth: number): void {
    this.#kind(kinds.tensors)
    this.column(
      values.map(({ shape }) => shape),
      depth + 1,
    )
    this.column(
      values.map(({ data }) => data),
      depth + 1,
    )
  }

  #records(values: readonly Fields[], depth: number): boolean {
    const keys = Object.keys(values[0] ?? {})
    // Written as a field it would set the prototype.
    if (keys.includes('__proto__')) {
      if (values.length > 1) return false
      this.#clones(values)
      return true
    }
    const columns = shapeOf(keys).split(values)
    if (columns === undefined) return false
    this.#kind(kinds.records)
    this.#memory.writeInt(keys.length)
    writeText(keys, this.#memory)
    for (const column of columns) this.column(column, depth + 1)
    return true
  }

  #arrays(kind: Kind, values: readonly (readonly unknown[])[], depth: number): void {
    const length = values[0]?.length ?? 0
    const alike = kind === kinds.lists && values.every((value) => value.length === length)
    if (alike && length <= MAX_TUPLE && values.length > 1) {
      this.#kind(kinds.tuples)
      this.#memory.writeInt(length)
      for (let k = 0; k < length; k++) {
        this.column(
          values.map((value) => value[k]),
          depth + 1,
        )
      }
      return
    }
    this.#kind(kind)
    const lengths = values.map((value) => value.length)
    this.#memory.writeInts(lengths)
    // A byte each at least: what has no place should not be gathered first.
    this.#memory.require(lengths.reduce((a, b) => a + b, 0))
    const all: unknown[] = []
    for (const value of values) for (let i = 0; i < value.length; i++) all.push(value[i])
    this.column(all, depth + 1)
  }

  #clones(values: readonly unknown[]): void {
    this.#kind(kinds.clones)
    for (const value of values) this.clones.push(value)
  }

  #mixed(values: readonly unknown[], depth: number): void {
    const memory = this.#memory
    this.#kind(kinds.mixed)
    const at = memory.part(values.length)
    const groups = new Map<string, { readonly number: number; readonly members: unknown[] }>()
    values.forEach((value, i) => {
      const name = groups.size < MAX_GROUPS ? groupOf(value) : String(kinds.clones)
      let group = groups.get(name)
      if (group === undefined) groups.set(name, (group = { number: groups.size, members: [] }))
      group.members.push(value)
      memory.bytes[at + i] = group.number
    })
    memory.writeInt(groups.size)
    for (const [name, { members }] of groups) {
      memory.writeInt(members.length)
      // One group alone was found to differ in a way that groups do not tell.
      if (name === String(kinds.clones) || groups.size === 1) this.#clones(members)
      else this.column(members, depth)
    }
  }
}

const holdsMore = (kind: Kind): boolean =>
  kind === kinds.records || kind === kinds.lists || kind === kinds.columns || kind === kinds.tensors

/** Whether all values are of a kind. Numbers and texts, of which there are most, are asked for at less cost. */
function areAll(kind: Kind, values: readonly unknown[]): boolean {
  if (kind === kinds.floats) return areOf('number', values)
  if (kind === kinds.text) return areOf('string', values)
  for (let i = 1; i < values.length; i++) if (kindOf(values[i]) !== kind) return false
  return true
}

function areOf(type: 'number' | 'string', values: readonly unknown[]): boolean {
  for (let i = 1; i < values.length; i++) if (typeof values[i] !== type) return false
  return true
}

function areInts(values: readonly number[]): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if ((value | 0) !== value || Object.is(value, -0)) return false
  }
  return true
}

function bytesOf(value: ArrayBufferView | ArrayBuffer): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (!ArrayBuffer.isView(value)) return new Uint8Array(value)
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

/** Values of one name make one column. */
function groupOf(value: unknown): string {
  const kind = kindOf(value)
  if (kind === kinds.bytes) return `${kind} ${byteKindOf(value as ArrayBufferView | ArrayBuffer)}`
  if (kind !== kinds.records) return String(kind)
  const keys = Object.keys(value as Fields)
  return keys.includes('__proto__') ? String(kinds.clones) : `${kind} ${JSON.stringify(keys)}`
}
