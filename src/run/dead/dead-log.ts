import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CheckpointMismatchError, codeOf, messageOf, StorageError } from '../../errors/index.ts'
import { reasonOf } from '../../errors/reason.ts'
import { syncFolder } from '../../storage/durable.ts'
import type { DeadLetter, DeadLetters } from '../../stream/dead-letter.ts'
import { type StoredLetter, storedLetter } from './stored-letter.ts'
import { Steps } from '../steps.ts'

/** How much of a log counts: what lies behind was written by a process that died before it committed it. */
export interface DeadMark {
  readonly bytes: number
  readonly count: number
}

export const NO_LETTERS: DeadMark = { bytes: 0, count: 0 }

/** Bytes that wait for the next write at most. */
const FULL = 256 * 1024

/**
 * Dead letters of a run in a file, a line each. A mark, taken together with a checkpoint, names the letters that
 * belong to it; once `sync` resolved it may be committed. Opened at a mark, the log forgets what came behind: the
 * elements are tried again, too.
 */
export class DeadLog implements DeadLetters {
  readonly #path: string
  readonly #ids: Set<string>
  readonly #as: ((letter: DeadLetter) => DeadLetter) | undefined
  #handle: FileHandle | undefined
  #bytes: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  readonly #steps = new Steps()
  #dirty = false

  private constructor(path: string, start: DeadMark, ids: Set<string>, as: As) {
    this.#path = path
    this.#bytes = start.bytes
    this.#ids = ids
    this.#as = as
  }

  /** Goes on behind `mark`. `as` may rename letters before they are kept. */
  static async open(path: string, mark: DeadMark, as?: As): Promise<DeadLog> {
    const letters = await readLetters(path, mark)
    const log = new DeadLog(path, mark, new Set(letters.map(({ id }) => id)), as)
    await log.#truncate()
    return log
  }

  /** Keeps a letter; one that is there already stays as it is. */
  put(given: DeadLetter): void | Promise<void> {
    const letter = this.#as?.(given) ?? given
    if (this.#ids.has(letter.id)) return
    this.#ids.add(letter.id)
    const line = Buffer.from(`${JSON.stringify(storedLetter(letter))}\n`)
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#bytes += line.length
    if (this.#waitingBytes >= FULL) return this.#steps.add(() => this.#write())
  }

  /** What was put so far. */
  mark(): DeadMark {
    return { bytes: this.#bytes, count: this.#ids.size }
  }

  /** What was put so far survives a crash of the machine from here on. */
  sync(): Promise<void> {
    return this.#steps.add(async () => {
      await this.#write()
      await this.#datasync()
    })
  }

  async close(): Promise<void> {
    await this.#steps.settled()
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return
    const lines = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    try {
      if (this.#handle === undefined) {
        this.#handle = await open(this.#path, 'a')
        await syncFolder(dirname(this.#path))
      }
      await this.#handle.appendFile(lines)
    } catch (cause) {
      throw cannotWrite(this.#path, cause)
    }
    this.#dirty = true
  }

  async #datasync(): Promise<void> {
    if (!this.#dirty) return
    try {
      await this.#handle?.datasync()
    } catch (cause) {
      throw cannotWrite(this.#path, cause)
    }
    this.#dirty = false
  }

  async #truncate(): Promise<void> {
    try {
      this.#handle = await open(this.#path, 'r+')
      await this.#handle.truncate(this.#bytes)
      await this.#handle.close()
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw cannotWrite(this.#path, cause)
    } finally {
      this.#handle = undefined
    }
  }
}

type As = ((letter: DeadLetter) => DeadLetter) | undefined

/**
 * The letters up to a mark.
 *
 * @throws CheckpointMismatchError when the file does not hold them any more.
 */
export async function readLetters(path: string, mark: DeadMark): Promise<StoredLetter[]> {
  if (mark.bytes === 0) return []
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw changed(path, messageOf(cause), cause)
  })
  if (bytes.length < mark.bytes) throw changed(path, `it has ${bytes.length} bytes`)
  const lines = bytes.toString('utf8', 0, mark.bytes).trimEnd().split('\n')
  if (lines.length !== mark.count) throw changed(path, `it has ${lines.length} lines`)
  try {
    return lines.map((line) => JSON.parse(line) as StoredLetter)
  } catch (cause) {
    throw changed(path, messageOf(cause), cause)
  }
}

function changed(path: string, why: string, cause?: unknown): CheckpointMismatchError {
  return new CheckpointMismatchError(
    `${path} does not hold the dead letters that were written to it: ${why}; start anew (--restart)`,
    { cause },
  )
}

function cannotWrite(path: string, cause: unknown): StorageError {
  return new StorageError(`cannot write dead letters to ${path}: ${reasonOf(cause)}`, { cause })
}
