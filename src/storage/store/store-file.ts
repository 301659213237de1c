import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { DataError, messageOf } from '../../errors/index.ts'
import { decodeChunk } from './chunk.ts'
import { CHUNKS, DELETE_IT, ELEMENTS, type Manifest } from './manifest.ts'

/** The chunks of a folder of elements, by number. */
export class StoreFile {
  readonly elements: number
  readonly #folder: string
  readonly #data: FileHandle
  readonly #firsts: Float64Array
  /** Where chunks begin, and where the last one ends. */
  readonly #places: Float64Array
  #found = 0

  private constructor(folder: string, manifest: Manifest, data: FileHandle, index: Float64Array) {
    this.#folder = folder
    this.#data = data
    this.elements = manifest.elements
    this.#firsts = Float64Array.from(
      { length: manifest.chunks + 1 },
      (_, k) => index[2 * k] ?? manifest.elements,
    )
    this.#places = Float64Array.from(
      { length: manifest.chunks + 1 },
      (_, k) => index[2 * k + 1] ?? manifest.bytes,
    )
  }

  /** @throws DataError when its files are not those that the manifest tells of. */
  static async open(folder: string, manifest: Manifest): Promise<StoreFile> {
    const index = await readIndex(folder, manifest)
    const file = join(folder, ELEMENTS)
    const data = await open(file, 'r').catch((cause: unknown) => {
      throw new DataError(`${file} cannot be read: ${messageOf(cause)}. ${DELETE_IT(folder)}`, {
        cause,
      })
    })
    try {
      const { size } = await data.stat()
      if (size !== manifest.bytes) {
        throw new DataError(
          `${file} ends at byte ${size}, not at ${manifest.bytes}: it is damaged. ${DELETE_IT(folder)}`,
        )
      }
      return new StoreFile(folder, manifest, data, index)
    } catch (error) {
      await data.close()
      throw error
    }
  }

  /** The chunk with an element; neighbours are found at once. */
  chunkOf(element: number): number {
    const k = this.#found
    if (this.#has(k, element)) return k
    if (this.#has(k + 1, element)) return (this.#found = k + 1)
    let low = 0
    let high = this.#firsts.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#firsts[middle] ?? 0) <= element) low = middle + 1
      else high = middle
    }
    return (this.#found = low - 1)
  }

  firstOf(chunk: number): number {
    return this.#firsts[chunk] ?? this.elements
  }

  /** Bytes of some neighbouring chunks. */
  bytesOf(chunk: number, count = 1): number {
    return (this.#places[chunk + count] ?? 0) - (this.#places[chunk] ?? 0)
  }

  /** The bytes of some neighbouring chunks, each in a buffer of its own: what is kept of one holds no other. */
  async read(chunk: number, count: number): Promise<readonly Buffer[]> {
    const start = this.#places[chunk] ?? 0
    const whole = await this.#readAt(start, this.bytesOf(chunk, count))
    if (count === 1) return [whole]
    return Array.from({ length: count }, (_, k) => {
      const from = (this.#places[chunk + k] ?? 0) - start
      const own = Buffer.allocUnsafeSlow(this.bytesOf(chunk + k))
      whole.copy(own, 0, from)
      return own.subarray(0, Math.max(0, Math.min(own.length, whole.length - from)))
    })
  }

  /** @throws DataError when the bytes of a chunk are not what was written. */
  decode(chunk: number, bytes: Buffer): readonly unknown[] {
    try {
      const items = decodeChunk(bytes)
      if (typeof items !== 'string') return items
      throw new Error(items)
    } catch (cause) {
      const first = this.firstOf(chunk)
      throw new DataError(
        `${join(this.#folder, ELEMENTS)} is damaged at byte ${this.#places[chunk]}, in the chunk of elements ` +
          `${first} to ${this.firstOf(chunk + 1) - 1}: ${messageOf(cause)}. ${DELETE_IT(this.#folder)}`,
        { cause },
      )
    }
  }

  close(): Promise<void> {
    return this.#data.close()
  }

  #has(chunk: number, element: number): boolean {
    const first = this.#firsts[chunk]
    const end = this.#firsts[chunk + 1]
    return first !== undefined && end !== undefined && first <= element && element < end
  }

  async #readAt(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#data
        .read(buffer, done, length - done, position + done)
        .catch((cause: unknown) => {
          const file = join(this.#folder, ELEMENTS)
          throw new DataError(`${file} cannot be read: ${messageOf(cause)}`, { cause })
        })
      if (bytesRead === 0) break
      done += bytesRead
    }
    return buffer.subarray(0, done)
  }
}

async function readIndex(folder: string, { chunks, crc }: Manifest): Promise<Float64Array> {
  const file = join(folder, CHUNKS)
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new DataError(`${file} cannot be read: ${messageOf(cause)}. ${DELETE_IT(folder)}`, {
      cause,
    })
  })
  if (bytes.length !== chunks * 16) {
    throw new DataError(
      `${file} ends at byte ${bytes.length}, not at ${chunks * 16}: it is damaged. ${DELETE_IT(folder)}`,
    )
  }
  if (crc32(bytes) !== crc) {
    throw new DataError(`${file} is damaged: its checksum differs. ${DELETE_IT(folder)}`)
  }
  return new Float64Array(Uint8Array.from(bytes).buffer)
}
