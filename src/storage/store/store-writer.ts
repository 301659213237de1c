import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { codeOf, StorageError } from '../../errors/index.ts'
import { reasonOf } from '../../errors/reason.ts'
import { ElementFailure } from '../../stream/failure.ts'
import { sizeOf } from '../../stream/size-of.ts'
import { syncFolder } from '../durable.ts'
import { encodeChunk } from './chunk.ts'
import { draftOf, oldOf, removeStaleDrafts } from './draft.ts'
import {
  CHUNKS,
  ELEMENTS,
  MANIFEST,
  type Manifest,
  manifestText,
  namesIn,
  type Origin,
} from './manifest.ts'

/** A chunk is closed at so many bytes, by estimate: reading one element at random reads its chunk. */
const CHUNK_BYTES = 32 * 1024
const CHUNK_ELEMENTS = 1024

/** Bytes that are written at once. */
const BLOCK = 1024 * 1024

/** What became of a folder that was written. */
export type Committed = 'ours' | 'theirs'

/**
 * Writes a folder of elements, in a draft beside it that takes its place when it is whole: whoever looks sees all of
 * it or nothing, whenever the process dies.
 */
export class StoreWriter {
  readonly #folder: string
  readonly #draft: string
  readonly #data: FileHandle
  readonly #id = createHash('sha256')
  /** First element and place of each chunk, by twos. */
  readonly #index: number[] = []
  #items: unknown[] = []
  #itemBytes = 0
  #blocks: Buffer[] = []
  #blockBytes = 0
  #elements = 0
  #bytes = 0
  #written = 0
  #open = true

  private constructor(folder: string, draft: string, data: FileHandle) {
    this.#folder = folder
    this.#draft = draft
    this.#data = data
  }

  /** @throws StorageError when the folder beside it cannot be written. */
  static create(folder: string): Promise<StoreWriter> {
    return saying(folder, async () => {
      await mkdir(dirname(folder), { recursive: true })
      await removeStaleDrafts(folder)
      const draft = await draftOf(folder)
      return new StoreWriter(folder, draft, await open(join(draft, ELEMENTS), 'wx'))
    })
  }

  get elements(): number {
    return this.#elements + this.#items.length
  }

  /** @throws ElementFailure for an element that cannot be kept. */
  async add(items: readonly unknown[]): Promise<void> {
    for (const x of items) {
      this.#items.push(x)
      this.#itemBytes += sizeOf(x)
      if (this.#itemBytes >= CHUNK_BYTES || this.#items.length >= CHUNK_ELEMENTS) this.#close()
    }
    if (this.#blockBytes >= BLOCK) await saying(this.#folder, () => this.#write())
  }

  /**
   * Makes the folder what was written. `'theirs'` when another writer was first: then nothing changes.
   * `replace` puts it in the place of a folder of elements that is there.
   */
  async commit(plan: Origin | undefined, replace = false): Promise<Committed> {
    if (this.#items.length > 0) this.#close()
    const committed = await saying(this.#folder, async () => {
      await this.#write()
      await this.#data.datasync()
      await this.#data.close()
      this.#open = false
      await this.#describe(plan)
      const ours = await moved(this.#draft, this.#folder, replace)
      // Of those that were killed meanwhile: a folder that is full may never be written again.
      await removeStaleDrafts(this.#folder)
      return ours ? 'ours' : 'theirs'
    })
    await this.abort()
    return committed
  }

  /** Leaves no trace of what was not committed. Safe to call at any time. */
  async abort(): Promise<void> {
    if (this.#open) await this.#data.close()
    this.#open = false
    await rm(this.#draft, { recursive: true, force: true })
  }

  #close(): void {
    const [header, body] = this.#encode()
    this.#index.push(this.#elements, this.#bytes)
    this.#id.update(header)
    this.#blocks.push(header, body)
    this.#blockBytes += header.length + body.length
    this.#bytes += header.length + body.length
    this.#elements += this.#items.length
    this.#items = []
    this.#itemBytes = 0
  }

  #encode(): readonly [Buffer, Buffer] {
    try {
      return encodeChunk(this.#items)
    } catch (error) {
      const at = this.#items.findIndex((x) => !isKept(x))
      throw at < 0 ? error : new ElementFailure(this.#elements + at, error)
    }
  }

  async #write(): Promise<void> {
    const block = Buffer.concat(this.#blocks)
    this.#blocks = []
    this.#blockBytes = 0
    for (let done = 0; done < block.length;) {
      const left = block.length - done
      const { bytesWritten } = await this.#data.write(block, done, left, this.#written)
      done += bytesWritten
      this.#written += bytesWritten
    }
  }

  async #describe(plan: Origin | undefined): Promise<void> {
    const index = Buffer.from(Float64Array.from(this.#index).buffer)
    await durably(join(this.#draft, CHUNKS), index)
    const manifest: Omit<Manifest, 'format' | 'v' | 'node'> = {
      id: this.#id.digest('base64url').slice(0, 22),
      elements: this.#elements,
      chunks: this.#index.length / 2,
      bytes: this.#bytes,
      crc: crc32(index),
      ...(plan === undefined ? {} : { plan }),
    }
    await durably(join(this.#draft, MANIFEST), Buffer.from(manifestText(manifest)))
    await syncFolder(this.#draft)
  }
}

function isKept(x: unknown): boolean {
  try {
    encodeChunk([x])
    return true
  } catch {
    return false
  }
}

async function durably(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    await handle.writeFile(bytes)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

const TAKEN = new Set(['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'])

/** False when another one is there, and is not to be replaced. */
async function moved(draft: string, folder: string, replace: boolean): Promise<boolean> {
  try {
    await rename(draft, folder)
  } catch (error) {
    const there = await namesIn(folder)
    if (there === undefined || !TAKEN.has(codeOf(error) ?? '')) throw error
    if (there.length > 0 && !replace) return false
    // A rename replaces an empty folder on most systems, and no other folder on any.
    const old = oldOf(draft)
    await rename(folder, old)
    await rename(draft, folder)
    await rm(old, { recursive: true, force: true })
  }
  await syncFolder(dirname(folder))
  return true
}

async function saying<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new StorageError(`cannot write the folder ${folder}: ${reasonOf(cause)}`, { cause })
  }
}
