import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, StorageError } from '../errors/index.ts'
import { reasonOf } from '../errors/reason.ts'
import type { SharedState, Versioned } from './shared-state.ts'

/** Milliseconds after which the draft of a process that was killed may be removed. */
const OLD_DRAFT = 60_000

/** The folder of one name within `folder`. */
export function folderOf(folder: string, name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return join(folder, `${name.replaceAll(/[^\w-]/g, '_').slice(0, 60)}-${hash}`)
}

/**
 * A state that the processes of a machine share by a folder. Versions are files with numbers for names: the highest
 * counts, and it is never removed before there is a higher one. A version is linked under its name as a whole, which
 * only one process can; so there is no lock that a killed one could leave behind. Nothing waits for the disk: a
 * loss of power may take the state with it, and then it is learnt again.
 */
export class FileState implements SharedState {
  readonly #folder: string
  #opened: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  read(): Promise<Versioned> {
    return this.#told(async () => {
      for (;;) {
        const version = await this.#highest()
        if (version === 0) return { version, text: '' }
        const text = await this.#textOf(version)
        if (text !== undefined) return { version, text }
      }
    })
  }

  compareAndSet(version: number, text: string): Promise<boolean> {
    return this.#told(async () => {
      await (this.#opened ??= this.#open())
      const draft = join(this.#folder, `.draft-${randomUUID()}`)
      try {
        await writeFile(draft, text)
        return await this.#link(draft, version + 1)
      } finally {
        await rm(draft, { force: true })
      }
    })
  }

  async #link(draft: string, version: number): Promise<boolean> {
    try {
      await link(draft, this.#pathOf(version))
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    }
    const versions = await this.#versions()
    const highest = Math.max(...versions)
    const below = versions.filter((other) => other < highest)
    for (const other of below) await rm(this.#pathOf(other), { force: true })
    return highest === version // else its number was used before: others have gone on from there
  }

  async #open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    for (const name of await readdir(this.#folder)) {
      if (!name.startsWith('.draft-')) continue
      const path = join(this.#folder, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
      if (Date.now() - mtimeMs > OLD_DRAFT) await rm(path, { force: true })
    }
  }

  async #highest(): Promise<number> {
    return Math.max(0, ...(await this.#versions()))
  }

  async #versions(): Promise<readonly number[]> {
    try {
      return (await readdir(this.#folder)).map(Number).filter((version) => version > 0)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }

  /** Undefined when the version was replaced since it was listed. */
  async #textOf(version: number): Promise<string | undefined> {
    try {
      return await readFile(this.#pathOf(version), 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  #pathOf(version: number): string {
    return join(this.#folder, String(version))
  }

  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#opened = undefined
      throw new StorageError(`cannot share a limit in ${this.#folder}: ${reasonOf(error)}`, {
        cause: error,
      })
    }
  }
}
