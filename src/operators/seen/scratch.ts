import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf, StorageError } from '../../errors/index.ts'

/** A file for the time of a run, in the folder for temporary files. */
export class ScratchFile {
  readonly #folder: string
  readonly #handle: FileHandle

  private constructor(folder: string, handle: FileHandle) {
    this.#folder = folder
    this.#handle = handle
  }

  static async make(): Promise<ScratchFile> {
    return guarded(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'millstream-'))
      try {
        const file = new ScratchFile(folder, await open(join(folder, 'scratch'), 'wx+'))
        // An open file needs no name: without one it goes with the process, however that ends. Not so on Windows.
        if (process.platform !== 'win32') await file.#forget()
        return file
      } catch (error) {
        await rm(folder, { recursive: true, force: true })
        throw error
      }
    })
  }

  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    return guarded(async () => {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          done,
          bytes.length - done,
          position + done,
        )
        done += bytesWritten
      }
    })
  }

  /** The bytes from `position` on, fewer at the end of the file. */
  read(position: number, length: number): Promise<Buffer> {
    return guarded(async () => {
      const buffer = Buffer.allocUnsafe(length)
      let done = 0
      while (done < length) {
        const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return buffer.subarray(0, done)
    })
  }

  async close(): Promise<void> {
    await this.#handle.close()
    await this.#forget()
  }

  async #forget(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new StorageError(
      `cannot use the folder for temporary files ${tmpdir()}: ${messageOf(cause)}. ` +
        'Make room, point TMPDIR at another folder, or allow more memory',
      { cause },
    )
  }
}
