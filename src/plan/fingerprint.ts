import { CheckpointMismatchError } from '../errors/index.ts'

/** A short hash of each node's structure, sources first: what a checkpoint remembers of its plan. */
export type Fingerprint = readonly string[]

/** A node's line: its name and what decides which elements come out. */
export interface NodeLine {
  readonly id: string
  readonly text: string
}

export function fingerprint(lines: readonly NodeLine[]): Fingerprint {
  return lines.map(({ text }) => shortHash(text))
}

/** @throws CheckpointMismatchError naming the first node that differs. */
export function checkFingerprint(lines: readonly NodeLine[], expected: Fingerprint): void {
  const mine = fingerprint(lines)
  const first = mine.findIndex((hash, k) => hash !== expected[k])
  if (first < 0 && mine.length === expected.length) return
  const line = lines[first < 0 ? mine.length - 1 : first]
  const where =
    first < 0 ? `has more operators behind ${line?.id}` : `differs at ${line?.id}: ${line?.text}`
  throw new CheckpointMismatchError(
    `this checkpoint was taken of another pipeline: this one ${where}. Resume with the pipeline that made it, or start anew`,
  )
}

/** FNV-1a over UTF-16 units, twice with different offsets: 52 bits as text. */
function shortHash(text: string): string {
  return half(text, 0x811c9dc5) + half(text, 0x2545f491)
}

function half(text: string, offset: number): string {
  let h = offset
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return (h >>> 6).toString(36).padStart(5, '0')
}
