import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CheckpointMismatchError, messageOf, StorageError } from '../../errors/index.ts'
import { syncFolder } from '../../storage/durable.ts'
import { Steps } from '../steps.ts'

/** Bytes that wait for the next write at most. */
const FULL = 256 * 1024

/** A file that grows behind what is certain of it; what another process wrote behind that is cut off. */
export class AppendFile {
  readonly #path: string
  readonly #handle: FileHandle
  #written: number
  #bytes: number
  #waiting: Buffer[] = []
  readonly #steps = new Steps()
  #dirty = false

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path
    this.#handle = handle
    this.#written = this.#bytes = bytes
  }

  /** @throws CheckpointMismatchError when the file has less than `bytes`. */
  static async open(path: string, bytes: number): Promise<AppendFile> {
    const handle = await opened(path, bytes > 0)
    try {
      const { size } = await handle.stat()
      if (size < bytes) throw lost(path, `it has ${size} of ${bytes} bytes`)
      await handle.truncate(bytes)
      return new AppendFile(path, handle, bytes)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Its length with what waits. */
  get bytes(): number {
    return this.#bytes
  }

  put(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
  }

  /** Writes what waits when it is much. */
  flush(): void | Promise<void> {
    if (this.#bytes - this.#written < FULL) return undefined
    return this.#steps.add(() => this.#write())
  }

  /** What was put so far survives a crash of the machine from here on. */
  sync(): Promise<void> {
    return this.#steps.add(async () => {
      await this.#write()
      if (!this.#dirty) return
      await this.#handle.datasync().catch((cause: unknown) => {
        throw cannotWrite(this.#path, cause)
      })
      this.#dirty = false
    })
  }

  async close(): Promise<void> {
    await this.#steps.settled()
    await this.#handle.close()
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    try {
      for (let done = 0; done < bytes.length;) {
        const length = bytes.length - done
        const at = this.#written + done
        done += (await this.#handle.write(bytes, done, length, at)).bytesWritten
      }
    } catch (cause) {
      throw cannotWrite(this.#path, cause)
    }
    this.#written += bytes.length
    this.#dirty = true
  }
}

async function opened(path: string, isThere: boolean): Promise<FileHandle> {
  try {
    if (isThere) return await open(path, 'r+')
    const handle = await open(path, 'w+')
    await syncFolder(dirname(path))
    return handle
  } catch (cause) {
    if (isThere) throw lost(path, messageOf(cause), cause)
    throw cannotWrite(path, cause)
  }
}

/** What onlyChanged noted is gone. */
export function lost(path: string, why: string, cause?: unknown): CheckpointMismatchError {
  return new CheckpointMismatchError(
    `${path} does not hold what onlyChanged noted in it: ${why}; restore it, or start anew with all elements (--restart)`,
    { cause },
  )
}

function cannotWrite(path: string, cause: unknown): StorageError {
  return new StorageError(`cannot write ${path}: ${messageOf(cause)}`, { cause })
}
