import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import {
  CheckpointMismatchError,
  codeOf,
  DataError,
  InvalidArgumentError,
} from '../errors/index.ts'
import { reasonOf } from '../errors/reason.ts'
import { syncFolder } from '../storage/durable.ts'
import type { Json } from '../stream/operator.ts'
import type { SinkContext } from '../stream/sink.ts'

/** Bytes before the committed end whose hash tells whether a file is the one that was written. */
const TAIL = 4096

/** What a commit keeps of a file. */
interface FileState {
  readonly bytes: number
  /** Hash of the last `TAIL` bytes, or of all if there are fewer. */
  readonly tail: string
}

/** @throws InvalidArgumentError for what is no path of a file that can be written. */
export function checkFilePath(sink: string, path: unknown): string {
  if (typeof path !== 'string' || path === '') {
    throw new InvalidArgumentError(`${sink} takes the path of a file`)
  }
  if (/[\\/]$/.test(path)) {
    throw new InvalidArgumentError(`${sink}: ${path} is a folder; name a file in it`)
  }
  return path
}

/**
 * A file that is never seen half written: bytes go to a file beside it, which takes its name when all is there.
 * What was written behind the last commit is cut off when it is opened again.
 */
export class GrowingFile {
  readonly #path: string
  readonly #part: string
  /** Undefined where the file got its name before the process died. */
  readonly #handle: FileHandle | undefined
  #bytes: number
  #tail: Buffer

  private constructor(path: string, part: string, handle: FileHandle | undefined, start: Start) {
    this.#path = path
    this.#part = part
    this.#handle = handle
    this.#bytes = start.bytes
    this.#tail = start.tail
  }

  /**
   * Opens what was committed, or an empty file.
   *
   * @throws CheckpointMismatchError when the file is not what was committed.
   */
  static async open(path: string, { run, state, behind }: SinkContext): Promise<GrowingFile> {
    const part = partOf(path, run)
    try {
      if (state === undefined && behind !== undefined) {
        return await GrowingFile.#append(path, part, behind as unknown as FileState)
      }
      if (state === undefined) return await GrowingFile.#begin(path, part)
      return await GrowingFile.#goOn(path, part, state as unknown as FileState)
    } catch (cause) {
      if (cause instanceof CheckpointMismatchError) throw cause
      throw new DataError(`cannot write ${path}: ${reasonOf(cause)}`, { cause })
    }
  }

  /** Removes what an unfinished run has written. */
  static async discard(path: string, run: string): Promise<void> {
    await rm(partOf(path, run), { force: true })
  }

  /** Why the finished file is not the one that was committed; undefined when it is. */
  static async missing(path: string, state: Json): Promise<string | undefined> {
    const { bytes } = state as unknown as FileState
    const size = await sizeOf(path)
    if (size === bytes) return undefined
    return size === undefined ? `${path} is gone` : `${path} has ${size} bytes instead of ${bytes}`
  }

  static async #begin(path: string, part: string): Promise<GrowingFile> {
    const folder = dirname(resolve(path))
    await mkdir(folder, { recursive: true })
    await (await open(part, 'w')).close()
    await syncFolder(folder) // a commit says that the file survives, and so must its name
    const start = { bytes: 0, tail: Buffer.alloc(0) }
    return new GrowingFile(path, part, await open(part, 'r+'), start)
  }

  /** The finished file stays what it is until its longer copy takes its name. */
  static async #append(path: string, part: string, behind: FileState): Promise<GrowingFile> {
    const size = await sizeOf(path)
    if (size !== behind.bytes) {
      const found = size === undefined ? 'is gone' : `has ${size} bytes`
      throw changed(path, `${found}, and should have ${behind.bytes}`)
    }
    await copyFile(path, part, constants.COPYFILE_FICLONE)
    await syncFolder(dirname(resolve(path)))
    return GrowingFile.#goOn(path, part, behind)
  }

  static async #goOn(path: string, part: string, state: FileState): Promise<GrowingFile> {
    const handle = await openIfThere(part)
    if (handle !== undefined) {
      try {
        const tail = await readTail(handle, state, part)
        await handle.truncate(state.bytes)
        return new GrowingFile(path, part, handle, { bytes: state.bytes, tail })
      } catch (error) {
        await handle.close()
        throw error
      }
    }
    const finished = await openIfThere(path)
    if (finished === undefined) throw changed(part, 'is gone')
    try {
      const { size } = await finished.stat()
      if (size !== state.bytes) throw changed(part, 'is gone')
      const tail = await readTail(finished, state, path)
      return new GrowingFile(path, part, undefined, { bytes: state.bytes, tail })
    } finally {
      await finished.close()
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  async write(text: string): Promise<void> {
    if (text === '') return
    if (this.#handle === undefined) throw changed(this.#part, 'was finished before its end')
    const bytes = Buffer.from(text)
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          done,
          bytes.length - done,
          this.#bytes + done,
        )
        done += bytesWritten
      }
    } catch (cause) {
      throw new DataError(`cannot write ${this.#path}: ${reasonOf(cause)}`, { cause })
    }
    this.#bytes += bytes.length
    this.#tail = lastOf(this.#tail, bytes)
  }

  /** What is written is kept from here on; durable, also when the machine loses its power. */
  async commit(durable: boolean): Promise<Json> {
    if (durable) await this.#handle?.datasync()
    return { bytes: this.#bytes, tail: hashOf(this.#tail) }
  }

  async finish(): Promise<void> {
    if (this.#handle === undefined) return
    await this.#handle.close()
    await rename(this.#part, this.#path)
    await syncFolder(dirname(resolve(this.#path)))
  }

  async abort(): Promise<void> {
    await this.#handle?.close().catch(() => undefined) // it failed before, or is closed
  }
}

interface Start {
  readonly bytes: number
  readonly tail: Buffer
}

/** `out.jsonl` is written as `.out.jsonl.1f0c9a3e.part`: pipelines that write the same file do not meet. */
function partOf(path: string, run: string): string {
  return join(dirname(path), `.${basename(path)}.${run.slice(0, 8)}.part`)
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function readTail(handle: FileHandle, state: FileState, path: string): Promise<Buffer> {
  const { size } = await handle.stat()
  if (size < state.bytes) throw changed(path, `has ${size} of the ${state.bytes} bytes written`)
  const length = Math.min(TAIL, state.bytes)
  const tail = Buffer.alloc(length)
  if (length > 0) await handle.read(tail, 0, length, state.bytes - length)
  if (hashOf(tail) !== state.tail) throw changed(path, 'holds other bytes than were written')
  return tail
}

function lastOf(before: Buffer, bytes: Buffer): Buffer {
  // A copy: a view would keep all the bytes that were written alive.
  if (bytes.length >= TAIL) return Buffer.from(bytes.subarray(bytes.length - TAIL))
  const both = Buffer.concat([before, bytes])
  return both.subarray(Math.max(0, both.length - TAIL))
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

function changed(path: string, how: string): CheckpointMismatchError {
  return new CheckpointMismatchError(
    `${path} ${how}: the run cannot go on where it stopped; start it anew (--restart)`,
  )
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
