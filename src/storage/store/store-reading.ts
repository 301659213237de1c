import type { SourceReading } from '../../stream/spec.ts'
import type { StoreFile } from './store-file.ts'

/** Bytes of chunks that are read at once, and of those that are read ahead. */
const STEP_BYTES = 4 * 1024 * 1024
/** Positions that are looked at for what to read next. */
const STEP_ELEMENTS = 1024
/** Bytes of neighbouring chunks in one read. */
const READ_BYTES = 1024 * 1024
/** Bytes of chunks that wait for their other elements to be asked for. */
const HELD_BYTES = 64 * 1024 * 1024

interface Held {
  readonly items: unknown[]
  readonly first: number
  readonly bytes: number
  left: number
}

interface Planned {
  readonly chunks: ReadonlySet<number>
  /** Those of them of which an element was handed out that is asked for again. */
  readonly gone: ReadonlySet<number>
  readonly count: number
}

/** In the place of an element that was handed out: nobody gets an element that somebody may have changed. */
const GONE = Symbol('gone')

/**
 * Elements of a folder by position, chunks read ahead of being asked for. Elements are handed out once; asked for
 * again, their chunk is read again.
 */
export class StoreReading implements SourceReading {
  readonly #open: () => Promise<StoreFile>
  #file: StoreFile | undefined
  #opening: Promise<StoreFile> | undefined
  readonly #held = new Map<number, Held>()
  #heldBytes = 0
  readonly #loading = new Map<number, Promise<void>>()

  constructor(open: () => Promise<StoreFile>) {
    this.#open = open
  }

  /**
   * Makes the next elements ready: `upcoming(k)` is the position of the k-th one, undefined behind the end. Returns
   * how many are, at least one, at most `wanted`.
   *
   * @throws DataError when the first one's chunk is damaged.
   */
  async ready(wanted: number, upcoming: (k: number) => number | undefined): Promise<number> {
    const file = this.#file ?? (await this.#opened())
    const now = this.#plan(file, 0, wanted, upcoming)
    for (const chunk of now.gone) this.#drop(chunk)
    const loads = this.#start(file, now.chunks)
    this.#start(file, this.#plan(file, now.count, STEP_ELEMENTS, upcoming).chunks)
    let count = now.count
    for (const [chunk, load] of loads) {
      try {
        await load
      } catch (error) {
        // What comes before the damage is handed out first.
        count = Math.min(count, this.#countBefore(file, chunk, now.count, upcoming))
        if (count === 0) throw error
      }
    }
    this.#evict(now.chunks)
    return count
  }

  /** An element that is ready. */
  at(position: number): unknown {
    const chunk = this.#file?.chunkOf(position) ?? -1
    const held = this.#held.get(chunk)
    const x = held?.items[position - held.first]
    if (held === undefined || x === GONE)
      throw new RangeError(`element ${position} was not made ready`)
    held.items[position - held.first] = GONE
    if (--held.left === 0) this.#drop(chunk)
    return x
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#loading.values())
    const file = await this.#opening?.catch(() => undefined) // whoever opened it has the error
    await file?.close()
  }

  async #opened(): Promise<StoreFile> {
    this.#opening ??= this.#open()
    this.#file = await this.#opening
    return this.#file
  }

  /** Which chunks the elements from the `from`-th on need, as far as one step goes. */
  #plan(
    file: StoreFile,
    from: number,
    wanted: number,
    upcoming: (k: number) => number | undefined,
  ): Planned {
    const chunks = new Set<number>()
    const gone = new Set<number>()
    const asked = new Set<number>()
    let bytes = 0
    let k = from
    for (; k < from + Math.min(wanted, STEP_ELEMENTS); k++) {
      const position = upcoming(k)
      if (position === undefined || asked.has(position)) break
      asked.add(position)
      const chunk = file.chunkOf(position)
      const held = this.#held.get(chunk)
      if (held?.items[position - held.first] === GONE) gone.add(chunk)
      if (chunks.has(chunk)) continue
      if (held === undefined && !this.#loading.has(chunk)) bytes += file.bytesOf(chunk)
      if (bytes > STEP_BYTES && k > from) break
      chunks.add(chunk)
    }
    return { chunks, gone, count: k - from }
  }

  /** Starts reading those that are not there; neighbours in one go. */
  #start(file: StoreFile, chunks: ReadonlySet<number>): ReadonlyMap<number, Promise<void>> {
    const missing = [...chunks].filter((c) => !this.#held.has(c) && !this.#loading.has(c))
    missing.sort((a, b) => a - b)
    for (let k = 0; k < missing.length;) {
      const first = missing[k] ?? 0
      let count = 1
      while (missing[k + count] === first + count && file.bytesOf(first, count + 1) <= READ_BYTES)
        count++
      const read = file.read(first, count)
      for (let j = 0; j < count; j++) this.#load(file, first + j, read, j)
      k += count
    }
    const loads = new Map<number, Promise<void>>()
    for (const chunk of chunks) {
      const load = this.#loading.get(chunk)
      if (load !== undefined) loads.set(chunk, load)
    }
    return loads
  }

  #load(file: StoreFile, chunk: number, read: Promise<readonly Buffer[]>, j: number): void {
    const load = read.then((buffers) => {
      const bytes = buffers[j] ?? Buffer.alloc(0)
      const items = [...file.decode(chunk, bytes)]
      this.#held.set(chunk, {
        items,
        first: file.firstOf(chunk),
        bytes: bytes.length,
        left: items.length,
      })
      this.#heldBytes += bytes.length
    })
    const settled = load.finally(() => this.#loading.delete(chunk))
    settled.catch(() => undefined) // whoever needs the chunk awaits it, or reads it again
    this.#loading.set(chunk, settled)
  }

  #countBefore(
    file: StoreFile,
    damaged: number,
    count: number,
    upcoming: (k: number) => number | undefined,
  ): number {
    for (let k = 0; k < count; k++) {
      const position = upcoming(k)
      if (position !== undefined && file.chunkOf(position) === damaged) return k
    }
    return count
  }

  /** Lets go of chunks of which only some elements were asked for, the oldest first. */
  #evict(needed: ReadonlySet<number>): void {
    for (const chunk of this.#held.keys()) {
      if (this.#heldBytes <= HELD_BYTES) return
      if (!needed.has(chunk)) this.#drop(chunk)
    }
  }

  #drop(chunk: number): void {
    this.#heldBytes -= this.#held.get(chunk)?.bytes ?? 0
    this.#held.delete(chunk)
  }
}
