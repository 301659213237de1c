import type { Token } from '../stream/operator.ts'

/** Where a cache keeps its elements: in memory here, on disk in `storage/store/disk-shelf.ts`. */
export interface Shelf {
  /**
   * What it keeps; undefined while it is not filled. `chance` stands for the seed and the place in the pipeline; it
   * is asked for only where elements follow from it.
   */
  find(chance: () => number): Promise<Kept | undefined>
  /** Begins to fill it. Several may: the first that commits counts. */
  begin(): Promise<Filling>
}

/** Elements that were kept. */
export interface Kept {
  /** Stands for the elements, where they may outlive this process. */
  readonly id: string | undefined
  /** What `commit` was told; null where that is not kept. */
  readonly start: Token
  /** The next elements from a position on, at most `max`; none at the end. */
  read(position: number, max: number): Promise<readonly unknown[]>
  close(): Promise<void>
}

/** A shelf that is being filled. */
export interface Filling {
  add(items: readonly unknown[]): Promise<void>
  /**
   * All elements were added. `chance` is null when none follows from it; `start` is the input's state before the first,
   * where their order was decided while they were made.
   */
  commit(chance: number | null, start: Token): Promise<void>
  /** Forgets what was added. Safe to call at any time. */
  abort(): Promise<void>
}

/** Elements that follow from chance are kept for so many seeds and places, the latest ones. */
const CHANCES = 4

/** Lives as long as the plan's node: iterations and epochs share it. */
export class MemoryShelf implements Shelf {
  /** By chance; null when no element follows from it. */
  readonly #kept = new Map<number | null, Kept>()

  find(chance: () => number): Promise<Kept | undefined> {
    const kept =
      this.#kept.get(null) ?? (this.#kept.size === 0 ? undefined : this.#kept.get(chance()))
    return Promise.resolve(kept)
  }

  begin(): Promise<Filling> {
    let all: unknown[] = []
    return Promise.resolve({
      add: async (items) => {
        for (const x of items) all.push(x)
      },
      commit: async (chance, start) => {
        if (!this.#kept.has(chance)) this.#kept.set(chance, keptOf(all, start))
        for (const old of this.#kept.keys()) if (this.#kept.size > CHANCES) this.#kept.delete(old)
      },
      abort: async () => {
        all = []
      },
    })
  }
}

function keptOf(items: readonly unknown[], start: Token): Kept {
  return {
    id: undefined,
    start,
    read: async (position, max) => items.slice(position, position + max),
    close: () => Promise.resolve(),
  }
}
