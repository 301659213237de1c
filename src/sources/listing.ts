import { CheckpointMismatchError } from '../errors/index.ts'
import type { Body, Chunk, Json, LazyToken, OpenContext, Pace } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import { permutation } from '../stream/permutation.ts'
import { keyOfText } from '../stream/random.ts'

/**
 * A source that lists names once and then hands them out, in a random order where it is given a key.
 *
 * Token: [position, identity of the listing]: a resume into another listing would silently start at other
 * elements.
 */
export class Listing implements Body {
  readonly #list: () => Promise<readonly unknown[]>
  readonly #what: string
  readonly #pace: Pace
  readonly #expected: number | undefined
  #position: number
  #last: readonly unknown[] = []
  #items: readonly unknown[] | undefined
  #identity = 0
  /** Keys a random order of the items. */
  readonly #key: number | undefined
  #order: ((i: number) => number) | undefined

  constructor(
    what: string,
    list: () => Promise<readonly unknown[]>,
    context: OpenContext,
    from: Json | undefined,
    key?: number,
  ) {
    const [position, identity] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#key = key
    this.#what = what
    this.#list = list
    this.#pace = context.pace()
    this.#position = typeof position === 'number' ? position : 0
    this.#expected = typeof identity === 'number' && identity !== 0 ? identity : undefined
    this.#identity = this.#expected ?? 0
  }

  async pull(): Promise<Chunk | null> {
    this.#items ??= await this.#listed()
    const out = this.#part(this.#items, this.#position, this.#position + this.#pace.max)
    this.#position += out.length
    this.#last = out
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): LazyToken {
    const position = this.#position
    // The listing may not be read yet, but when the checkpoint is written behind its first element it is.
    return { toJSON: () => [position, this.#identity] }
  }

  origin(): Origin {
    const last = this.#last
    return (k) => pathOf(last[k])
  }

  #part(items: readonly unknown[], start: number, end: number): readonly unknown[] {
    if (this.#key === undefined) return items.slice(start, end)
    const order = (this.#order ??= permutation(this.#key, items.length))
    const length = Math.max(0, Math.min(end, items.length) - start)
    return Array.from({ length }, (_, k) => items[order(start + k)])
  }

  async #listed(): Promise<readonly unknown[]> {
    const items = await this.#list()
    this.#identity = keyOfText(JSON.stringify(items)) || 1
    if (this.#expected !== undefined && this.#expected !== this.#identity) {
      throw new CheckpointMismatchError(
        `${this.#what} lists other files than when the checkpoint was taken; start anew, or restore the files`,
      )
    }
    return items
  }
}

function pathOf(item: unknown): string | undefined {
  if (typeof item === 'string') return item
  const path: unknown = typeof item === 'object' && item !== null && 'path' in item && item.path
  return typeof path === 'string' ? path : undefined
}
