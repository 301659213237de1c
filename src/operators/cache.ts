import { isDeepStrictEqual } from 'node:util'
import { CheckpointMismatchError } from '../errors/index.ts'
import { DiskShelf } from '../storage/store/disk-shelf.ts'
import type { Origin } from '../storage/store/manifest.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, sameBytes, sameCardinality } from '../stream/spec.ts'
import { plain } from '../stream/token.ts'
import { type Filling, type Kept, MemoryShelf, type Shelf } from './shelf.ts'

export interface CacheParams {
  /** Where elements are kept; undefined for memory. */
  readonly folder: string | undefined
  /** The operators above it, as they were written. */
  readonly lines: Origin['lines']
}

export const cacheSpec: JunctionSpec<CacheParams> = {
  op: 'cache',
  kind: 'junction',
  summary: 'Keeps all elements, in memory or in a folder, the first time they are read to the end.',
  tfData:
    'cache; filled once for all iterations of the dataset; a folder filled by another pipeline or seed is refused',
  structure: () => ({}),
  cardinality: sameCardinality,
  bytes: sameBytes,
  traits: ({ folder }) =>
    folder === undefined
      ? {
          runs: 'fills memory in the first epoch, then reads it',
          holds: Infinity,
          resume: 'in another process the elements before the position are made again',
        }
      : {
          runs: `fills ${folder} the first time it is read to the end, then reads it`,
          resume: 'a folder that is full is read at the position',
        },
  open: ({ params: { folder, lines }, inputs }, context, from) => {
    const shelf =
      folder === undefined ? context.shared(() => new MemoryShelf()) : new DiskShelf(folder, lines)
    return new Cache(
      shelf,
      context,
      from,
      inputs.some((input) => context.decides(input)),
    )
  },
}

/** Which elements are kept. */
interface CacheOrigin {
  readonly id?: string
  /** The input's state before the first, where something is decided while they are made: that hangs off it. */
  readonly start?: Json
}

/**
 * Token: `['read', position, origin]` or `['fill', inlet]`. Cached elements are not part of it: a resume that finds
 * none makes them again, in the first epoch's order, which is the one the cache froze. Where that met an error, the
 * token is `['fill', inlet, position]`: what lies before the position was handed out.
 */
class Cache implements Body {
  readonly #shelf: Shelf
  readonly #context: OpenContext
  readonly #pace: Pace
  #position = 0
  readonly #decides: boolean
  /** Of the checkpoint. */
  readonly #origin: CacheOrigin
  /** State of the input before the first element, where this run makes them, and something is decided then. */
  #start: Token = null
  #kept: Kept | undefined
  #inlet: Inlet | undefined
  /** Undefined when a resume started behind the beginning, or an element is missing. */
  #filling: Filling | undefined

  constructor(shelf: Shelf, context: OpenContext, from: Json | undefined, decides: boolean) {
    this.#shelf = shelf
    this.#context = context
    this.#decides = decides
    this.#pace = context.pace()
    const [phase, state, detail] = Array.isArray(from) ? (from as readonly Json[]) : ['start']
    this.#origin = phase === 'read' ? ((detail ?? {}) as CacheOrigin) : {}
    if (phase === 'fill' && state !== undefined) {
      this.#inlet = this.#openInlet(state)
      if (typeof detail === 'number') this.#position = detail
    } else if (phase === 'read' && typeof state === 'number') {
      this.#position = state
    }
  }

  async pull(): Promise<Chunk | null> {
    if (this.#inlet === undefined) {
      this.#kept ??= await this.#find()
      if (this.#kept !== undefined) return this.#read(this.#kept)
      this.#inlet = this.#openInlet(this.#origin.start)
      this.#filling = await this.#shelf.begin()
    }
    const inlet = this.#inlet
    // After a resume in 'read' nothing may be kept any more: what lies before the position is made again.
    while (inlet.ordinal < this.#position) {
      if ((await this.#next(inlet, this.#position - inlet.ordinal)) === null) return null
    }
    const out = await this.#next(inlet, this.#pace.max)
    this.#pace.note(out?.length ?? 0, out?.[0])
    return out
  }

  tok(): Token {
    const inlet = this.#inlet
    if (inlet !== undefined) {
      const behind = inlet.ordinal < this.#position
      return behind ? ['fill', inlet.tok(), this.#position] : ['fill', inlet.tok()]
    }
    // Read when it is written: by then the elements behind the position may be on their way.
    return ['read', this.#position, { toJSON: () => this.#originNow() }]
  }

  async close(): Promise<void> {
    await this.#giveUp()
    await this.#kept?.close()
  }

  #originNow(): { readonly [name: string]: Json } {
    if (this.#kept === undefined && this.#start === null) return { ...this.#origin }
    const id = this.#kept?.id
    const start = plain(this.#kept?.start ?? this.#start)
    return { ...(id === undefined ? {} : { id }), ...(start === null ? {} : { start }) }
  }

  #openInlet(from: Json | undefined): Inlet {
    const inlet = new Inlet(this.#context.openEpoch(0, 'first', Inlet.upstreamOf(from)), from)
    if (this.#decides && inlet.ordinal === 0) this.#start = inlet.tok()
    return inlet
  }

  /** What is kept, when it is what the checkpoint was taken of; undefined when that can be made again. */
  async #find(): Promise<Kept | undefined> {
    const kept = await this.#shelf.find(() => this.#context.fixedKey)
    const { id, start } = this.#origin
    if (kept === undefined) {
      if (id === undefined || start !== undefined || !this.#decides) return undefined
      throw new CheckpointMismatchError(
        'the cache is gone since the checkpoint was taken; filled anew, its elements may come in another order. Start anew',
      )
    }
    if (id === undefined) {
      if (start === undefined || isDeepStrictEqual(plain(kept.start), start)) return kept
      await kept.close()
      return undefined
    }
    if (kept.id === id) return kept
    await kept.close()
    throw new CheckpointMismatchError(
      'the cache was filled anew, with other elements, since the checkpoint was taken. Start anew',
    )
  }

  async #read(kept: Kept): Promise<Chunk | null> {
    const out = await kept.read(this.#position, this.#pace.max)
    this.#position += out.length
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  /** A cache with a hole would hide in later epochs what failed in the first one: it is not kept. */
  async #next(inlet: Inlet, most: number): Promise<Chunk | null> {
    try {
      if (!(await inlet.fill())) {
        const chance = this.#context.drewAbove() ? this.#context.fixedKey : null
        await this.#filling?.commit(chance, this.#start)
        this.#filling = undefined
        return null
      }
      const out = inlet.xs.slice(inlet.i, Math.min(inlet.n, inlet.i + most))
      await this.#filling?.add(out)
      inlet.i += out.length
      return out
    } catch (error) {
      await this.#giveUp()
      throw error
    }
  }

  async #giveUp(): Promise<void> {
    const filling = this.#filling
    this.#filling = undefined
    await filling?.abort()
  }
}
