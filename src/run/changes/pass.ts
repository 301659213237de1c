import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../../errors/index.ts'
import { type ChangeKey, type Changes, notedBefore, type NotesMark } from '../../stream/changes.ts'
import type { Token } from '../../stream/operator.ts'
import { digestOf } from '../../tensor/value-key.ts'
import { AppendFile } from './append-file.ts'
import { KeyTable } from './key-table.ts'
import { bytesOfInterval, INTERVAL_BYTES, readIntervals } from './left-out.ts'
import { bytesOf, halfOf, keyOfText, PASSED, readNotes, textOfKey, UNSURE } from './notes.ts'
import type { Way } from './way.ts'

/** A finished pass: the notes that the next one compares with. */
export interface PassMark extends NotesMark {
  readonly pass: number
  /** How often elements were left out behind `onlyChanged`. */
  readonly left: number
}

/** Where a pass is, beside what its checkpoint says. */
export interface PassPosition {
  readonly left: number
  /** False once an element was left out above `onlyChanged`, or may have been missed: nothing is gone for sure. */
  readonly complete: boolean
  /** What came of it, at its end. */
  readonly end?: PassEnd
}

/** What a pass found out. */
export interface ChangeCounts {
  /** Elements with keys that were not there before. */
  readonly added: number
  /** Elements that changed, and those that were left out last time. */
  readonly changed: number
  readonly unchanged: number
  /** Keys that are not there any more. */
  readonly deleted: number
  /** How many of these the sink was told to remove. */
  readonly pruned: number
  /** False when no key counts as deleted, because elements were left out above, or the source was read in parts. */
  readonly complete: boolean
}

interface PassEnd extends NotesMark, ChangeCounts {}

export interface PassParts {
  readonly folder: string
  readonly pass: number
  /** The pass to compare with; null for none. */
  readonly base: () => Promise<PassMark | null>
  readonly way: Way
  /** Where it goes on; undefined at its start. */
  readonly position: PassPosition | undefined
  /** False compares only, and keeps nothing. */
  readonly keeps: boolean
}

/** Removes the keys of elements that are gone. */
export type Prune = (keys: readonly ChangeKey[]) => Promise<void>

/** Keys that a sink is asked to remove at once. */
const PRUNED_AT_ONCE = 1000

/**
 * One pass over a source with `onlyChanged`. Its notes name each element that it met, in order, and are compared with
 * by the next pass; what was left out further on is noted apart, by its place among them.
 */
export class Pass implements Changes {
  readonly #parts: PassParts
  readonly #table = new KeyTable()
  #base: PassMark | null = null
  #notes: AppendFile | undefined
  #leftOut: AppendFile | undefined
  #count = 0
  /** Elements noted up to the last one that passed. */
  #passed = 0
  #left: number
  #leftNow = 0
  #complete: boolean
  readonly #counts = { added: 0, changed: 0, unchanged: 0 }
  #end: PassEnd | undefined

  constructor(parts: PassParts) {
    this.#parts = parts
    this.#left = parts.position?.left ?? 0
    this.#complete = parts.position?.complete ?? true
  }

  get way(): Way {
    return this.#parts.way
  }

  async open({ bytes, count }: NotesMark): Promise<void> {
    const { folder, pass, keeps } = this.#parts
    this.#base = await this.#parts.base()
    await this.#readBase()
    if (!keeps) return
    const path = notesPath(folder, pass)
    await readNotes(path, bytes, ({ flags, key, by }) => {
      const slot = this.#table.slotOf(key)
      this.#tally(this.#table.isKnown(slot), (flags & PASSED) !== 0)
      this.#table.see(slot, by)
    })
    this.#count = this.#passed = count
    this.#notes = await AppendFile.open(path, bytes)
    this.#leftOut = await AppendFile.open(leftOutPath(folder, pass), INTERVAL_BYTES * this.#left)
  }

  passes(key: unknown, value: unknown): boolean {
    const text = textOfKey(key)
    const note = { key: halfOf(digestOf(key)), by: halfOf(digestOf(value)) }
    const slot = this.#table.slotOf(note.key)
    if (this.#table.isSeen(slot)) {
      if (this.#table.isSame(slot, note.by)) return false
      throw twice(text)
    }
    const known = this.#table.isKnown(slot)
    const passes = !known || !this.#table.isSame(slot, note.by)
    this.#table.see(slot, note.by)
    this.#count++
    if (passes) this.#passed = this.#count
    this.#tally(known, passes)
    this.#notes?.put(bytesOf({ ...note, flags: passes ? PASSED : 0 }, text))
    return passes
  }

  mark(): NotesMark {
    return { bytes: this.#notes?.bytes ?? 0, count: this.#count }
  }

  flush(): void | Promise<void> {
    return this.#notes?.flush()
  }

  /**
   * An element was left out behind `onlyChanged`: what it was made of came at `before` or later, and before `behind`;
   * it is not done. Undefined: before all that passed so far.
   */
  leftOut(before: Token, behind: Token | undefined): void {
    const low = notedBefore(before) ?? 0
    const next = behind === undefined ? undefined : notedBefore(behind)
    // A state within an element is one before it.
    const within = this.#parts.way.spreads ? 1 : 0
    const high = Math.min(next === undefined ? Infinity : next + within, this.#passed)
    this.#left++
    this.#leftNow++
    this.#leftOut?.put(bytesOfInterval({ low, high: Math.max(high, low + 1) }))
  }

  /** The source is not read in one go: what changed in it meanwhile may have moved others past where it goes on. */
  readInParts(): void {
    this.#complete = false
  }

  /** What was noted so far survives a crash of the machine from here on. */
  async sync(): Promise<void> {
    await this.#notes?.sync()
    await this.#leftOut?.sync()
  }

  /** `skipped` elements were left out by all stages in this process. At the same moment as the checkpoint. */
  position(skipped: number): PassPosition {
    const complete = this.#complete && skipped === this.#leftNow
    return { left: this.#left, complete, ...(this.#end && { end: this.#end }) }
  }

  /**
   * The source has come to its end: what was not met is gone, or taken over where that is not sure.
   *
   * @throws DataError when nothing was met that was there before.
   */
  async end(skipped: number, prune: Prune | undefined): Promise<void> {
    const { complete } = this.position(skipped)
    const { unchanged, changed } = this.#counts
    if ((this.#base?.count ?? 0) > 0 && unchanged + changed === 0) throw noneMet(this.#base?.count)
    const deleted = complete ? await this.#forgetGone(prune) : await this.#takeOver()
    const pruned = prune === undefined ? 0 : deleted
    this.#end = { ...this.mark(), ...this.#counts, deleted, pruned, complete }
  }

  async close(): Promise<void> {
    await this.#notes?.close()
    await this.#leftOut?.close()
  }

  /** How many keys are gone. */
  async #forgetGone(prune: Prune | undefined): Promise<number> {
    let count = 0
    let keys: ChangeKey[] = []
    const removed = async (): Promise<void> => {
      count += keys.length
      if (keys.length > 0) await prune?.(keys)
      keys = []
    }
    await this.#eachUnseen((_, text) => {
      keys.push(keyOfText(text()))
      return keys.length === PRUNED_AT_ONCE ? removed() : undefined
    })
    await removed()
    return count
  }

  async #takeOver(): Promise<0> {
    await this.#eachUnseen((note, text) => {
      this.#notes?.put(bytesOf({ ...note, flags: note.flags & UNSURE }, text()))
      this.#count++
      return this.#notes?.flush()
    })
    return 0
  }

  #tally(known: boolean, passes: boolean): void {
    if (!passes) this.#counts.unchanged++
    else if (known) this.#counts.changed++
    else this.#counts.added++
  }

  #readBase(): Promise<void> {
    return this.#eachOfBase(({ key, by, flags }) => {
      this.#table.know(this.#table.slotOf(key), by, (flags & UNSURE) !== 0)
    })
  }

  #eachUnseen(read: ReadNote): Promise<void> {
    return this.#eachOfBase((note, text) =>
      this.#table.isSeen(this.#table.slotOf(note.key)) ? undefined : read(note, text),
    )
  }

  /** The notes of the pass before; those of elements that were left out further on are unsure. */
  async #eachOfBase(read: ReadNote): Promise<void> {
    const { folder } = this.#parts
    const base = this.#base
    if (base === null) return
    const intervals = await readIntervals(leftOutPath(folder, base.pass), base.left)
    let k = 0
    let next = 0
    await readNotes(notesPath(folder, base.pass), base.bytes, (note, text) => {
      const place = k++
      while ((intervals[next]?.high ?? Infinity) <= place) next++
      const isLeft = (intervals[next]?.low ?? Infinity) <= place && (note.flags & PASSED) !== 0
      return read(isLeft ? { ...note, flags: note.flags | UNSURE } : note, text)
    })
  }
}

/** Removes the notes of a pass that nobody compares with any more. */
export async function forgetPass(folder: string, pass: number): Promise<void> {
  await rm(notesPath(folder, pass), { force: true })
  await rm(leftOutPath(folder, pass), { force: true })
}

type ReadNote = Parameters<typeof readNotes>[2]

function notesPath(folder: string, pass: number): string {
  return join(folder, `changes-${pass}.bin`)
}

function leftOutPath(folder: string, pass: number): string {
  return join(folder, `left-out-${pass}.bin`)
}

/** Another key, or a source that was not reached: taken for deletions, it would empty the sink. */
function noneMet(count = 0): DataError {
  return new DataError(
    `onlyChanged: not one of the ${count} keys of the last run is there any more, so none was taken for deleted. ` +
      'Is the source what it was, and its key? If so, start anew (--restart); rows of before stay then',
  )
}

function twice(key: string): DataError {
  return new DataError(
    `two elements have the key ${key}, and differ. Give a key that only one has, such as key: (x) => [x.tenant, x.id], ` +
      'or choose one of them above, by unique',
  )
}
