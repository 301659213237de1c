/** Texts as one piece: where each ends, then all of them joined. */
import type { SlotMemory } from './slot-memory.ts'

/** Texts that are longer on average are cut out one by one: a part of a text keeps the whole of it in memory. */
const LONG = 32

export function writeText(texts: readonly string[], memory: SlotMemory): void {
  const ends = new Array<number>(texts.length)
  let end = 0
  for (let i = 0; i < texts.length; i++) {
    end += texts[i]?.length ?? 0
    ends[i] = end
  }
  memory.require(end)
  const whole = texts.join('')
  // UTF-8 would lose halves of surrogate pairs.
  const wide = /[\u0100-\uffff]/.test(whole)
  memory.writeInt(wide ? 1 : 0)
  memory.writeInts(ends)
  const at = memory.part(wide ? 2 * end : end)
  memory.bytes.write(whole, at, wide ? 'utf16le' : 'latin1')
}

export function readText(count: number, memory: SlotMemory): string[] {
  const wide = memory.readInt() === 1
  const ends = memory.readInts(count)
  const total = ends.at(-1) ?? 0
  const at = memory.part(wide ? 2 * total : total)
  return total > LONG * count ? cut(ends, memory, at, wide) : slice(ends, memory, at, wide)
}

function slice(ends: readonly number[], memory: SlotMemory, at: number, wide: boolean): string[] {
  const total = ends.at(-1) ?? 0
  const whole = textAt(memory, at, at + (wide ? 2 * total : total), wide)
  const texts = new Array<string>(ends.length)
  let from = 0
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? 0
    texts[i] = whole.substring(from, end)
    from = end
  }
  return texts
}

function cut(ends: readonly number[], memory: SlotMemory, at: number, wide: boolean): string[] {
  const width = wide ? 2 : 1
  let from = at
  return ends.map((end) => {
    const start = from
    from = at + width * end
    return textAt(memory, start, from, wide)
  })
}

function textAt({ bytes }: SlotMemory, from: number, to: number, wide: boolean): string {
  return bytes.toString(wide ? 'utf16le' : 'latin1', from, to)
}
