import type { Json, Token } from './operator.ts'

/**
 * What `onlyChanged` knows of the elements of earlier runs, and what it notes of this one. It is kept by the run, beside
 * the position of its sink.
 */

/** What names an element among all, for `onlyChanged`: a text, a number, or several of them together. */
export type ChangeKey = ChangeKeyPart | readonly ChangeKeyPart[]
export type ChangeKeyPart = string | number | bigint | boolean

/** How much of a pass's notes counts. */
export interface NotesMark {
  readonly bytes: number
  /** Elements that were noted. */
  readonly count: number
}

/** The notes of a pass, compared with those of the last pass that was finished. */
export interface Changes {
  /** Goes on behind a mark of this pass; what was noted since is forgotten. Before anything else, once. */
  open(mark: NotesMark): Promise<void>
  /**
   * Notes an element, and tells whether it is to pass: when its key is new, or what belongs to the key has changed.
   *
   * @throws DataError when this pass has met the key with something else.
   */
  passes(key: unknown, by: unknown): boolean
  /** What was noted so far. */
  mark(): NotesMark
  /** Writes what was noted, when there is much that waits. */
  flush(): void | Promise<void>
}

/** Tells the state of `onlyChanged` within those of the operators behind it. */
const NAME = 'onlyChanged'

/** The state of `onlyChanged`: what was noted before it, and the state of its input. */
export function changesToken({ bytes, count }: NotesMark, input: Token): Token {
  return [NAME, bytes, count, input]
}

export function partsOfChangesToken(
  from: Json | undefined,
): readonly [mark: NotesMark, input: Json | undefined] {
  if (!Array.isArray(from)) return [{ bytes: 0, count: 0 }, undefined]
  const [, bytes, count, input] = from as unknown as readonly [string, number, number, Json]
  return [{ bytes, count }, input]
}

/** How many elements were noted before a state of an operator behind `onlyChanged`; undefined of any other. */
export function notedBefore(token: Token): number | undefined {
  if (!Array.isArray(token)) return undefined
  const parts = token as readonly Token[]
  if (parts[0] === NAME && typeof parts[2] === 'number') return parts[2]
  for (const part of parts) {
    const found = notedBefore(part)
    if (found !== undefined) return found
  }
  return undefined
}
