import { readFile } from 'node:fs/promises'
import { messageOf } from '../../errors/index.ts'
import { lost } from './append-file.ts'

/** Places of notes from `low` up to and without `high`. */
export interface Interval {
  readonly low: number
  high: number
}

export const INTERVAL_BYTES = 16

export function bytesOfInterval({ low, high }: Interval): Buffer {
  const bytes = Buffer.allocUnsafe(INTERVAL_BYTES)
  bytes.writeDoubleLE(low, 0)
  bytes.writeDoubleLE(high, 8)
  return bytes
}

/** The first `count` intervals of a file, in order and joined where they touch. */
export async function readIntervals(path: string, count: number): Promise<readonly Interval[]> {
  if (count === 0) return []
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw lost(path, messageOf(cause), cause)
  })
  if (bytes.length < count * INTERVAL_BYTES) throw lost(path, `it has ${bytes.length} bytes`)
  const all = Array.from({ length: count }, (_, k) => ({
    low: bytes.readDoubleLE(k * INTERVAL_BYTES),
    high: bytes.readDoubleLE(k * INTERVAL_BYTES + 8),
  })).sort((a, b) => a.low - b.low)
  const joined: Interval[] = []
  for (const next of all) {
    const last = joined.at(-1)
    if (last !== undefined && next.low <= last.high) last.high = Math.max(last.high, next.high)
    else joined.push(next)
  }
  return joined
}
