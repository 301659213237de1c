import type { Json, LazyToken } from '../stream/operator.ts'
import type { GroupKey } from './check.ts'

/** A group in the making, or one that is read. */
export interface Group {
  readonly key: GroupKey
  /** Ordinal of its first element: with the key's function, all that names it. */
  readonly start: number
  readonly size: number
  items: unknown[]
  /** How many groups were closed when it was, itself included; undefined while it is open. */
  closedAt?: number
}

interface Cell {
  readonly group: Group
  next: Cell | undefined
}

/** Closed groups that the list may hold beyond as many as are open. */
const SLACK = 1024

/**
 * Groups that are not full, in the order of their starts. There may be very many, and a token is asked for each group
 * that is full: it points into a list that only grows forwards, and reads from it when the checkpoint is written.
 */
export class OpenGroups {
  readonly #byKey = new Map<GroupKey, Group>()
  #first: Cell | undefined
  #last: Cell | undefined
  #cells = 0
  #closed = 0

  get size(): number {
    return this.#byKey.size
  }

  get(key: GroupKey): Group | undefined {
    return this.#byKey.get(key)
  }

  values(): Iterable<Group> {
    return this.#byKey.values()
  }

  /** It starts behind all others. */
  add(group: Group): void {
    this.#byKey.set(group.key, group)
    this.#append(group)
  }

  close(group: Group): void {
    if (group.closedAt !== undefined) return
    group.closedAt = ++this.#closed
    this.#byKey.delete(group.key)
    if (this.#cells > 2 * this.#byKey.size + SLACK) this.#renew()
  }

  /** The start of the oldest one. */
  oldest(): number | undefined {
    while (this.#first !== undefined && this.#first.group.closedAt !== undefined) {
      this.#first = this.#first.next
      this.#cells--
    }
    return this.#first?.group.start
  }

  /** The starts of those that are open now. */
  starts(): LazyToken {
    this.oldest() // what is closed at the front must not be kept
    const [first, last, now] = [this.#first, this.#last, this.#closed]
    return {
      toJSON(): Json {
        const starts: number[] = []
        for (let cell = first; cell !== undefined; cell = cell.next) {
          const { start, closedAt = Infinity } = cell.group
          if (closedAt > now) starts.push(start)
          if (cell === last) break
        }
        return starts
      },
    }
  }

  #append(group: Group): void {
    const cell = { group, next: undefined }
    if (this.#first === undefined || this.#last === undefined) this.#first = cell
    else this.#last.next = cell
    this.#last = cell
    this.#cells++
  }

  /** Another list, of those that are open; tokens keep the one they point into. */
  #renew(): void {
    this.#first = undefined
    this.#last = undefined
    this.#cells = 0
    for (const group of this.#byKey.values()) this.#append(group)
  }
}
