import { ElementFailure } from '../stream/failure.ts'
import { Inlet, shorterInput } from '../stream/inlet.ts'
import { fillMarked, Marks } from '../stream/marks.ts'
import type { Body, Chunk, Json, OpenContext, Token } from '../stream/operator.ts'
import { Starts } from '../stream/starts.ts'
import { plain } from '../stream/token.ts'
import type { GroupKey } from './check.ts'
import { expansionOf } from './expansion.ts'
import { type NestedInput, nestedInput, upstreamOf } from './nested-input.ts'
import { type Group, OpenGroups } from './open-groups.ts'

/** How an operator groups elements, and what comes of a group. */
export interface Grouping {
  readonly op: string
  readonly key: (x: unknown) => GroupKey
  /** Elements of a full group. */
  readonly size: (key: GroupKey) => number
  /** An array or a dataset: what comes out instead of the group. */
  readonly reduce: (key: GroupKey, items: readonly unknown[]) => unknown
}

/** What is open at the end of the input. */
interface End {
  readonly starts: readonly number[]
  /** The least key last; undefined where keys have no order of their own. */
  readonly left: Group[] | undefined
  taken: number
}

/** A group whose array or dataset is read. */
interface Current {
  readonly group: Group
  readonly input: NestedInput
}

/**
 * Collects elements of equal key; a full group is replaced by what is made of it.
 *
 * Token: [inlet state at the oldest element in use, ordinal of the next element, starts of the open groups,
 * start of the group that is read or -1, its state, groups made, groups taken at the end or -1, states at the start of
 * datasets that were opened since]. A group holds the elements of its key from its start on, so that starts and the
 * function of keys name what is collected. Behind the end of the input starts are those that were open there, and the
 * seventh member says how many of them were taken since, by key: a token for each of many groups must not take as long
 * as there are groups.
 */
export class Groups implements Body {
  readonly #inlet: Inlet
  readonly #marks = new Marks()
  readonly #grouping: Grouping
  readonly #context: OpenContext
  readonly #begun: Starts
  readonly #groups = new OpenGroups()
  #end: End | undefined
  #current: Current | undefined
  #made = 0
  #restore: Json | undefined
  /** What it became: from here on decisions are noted. */
  #refilled: Token | undefined

  constructor(grouping: Grouping, context: OpenContext, from: Json | undefined) {
    const [state, , , , , , , begun] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#begun = new Starts(begun)
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#grouping = grouping
    this.#context = context
    this.#restore = from
  }

  async pull(): Promise<Chunk | null> {
    if (this.#restore !== undefined) await this.#refill(this.#restore)
    for (;;) {
      if (this.#current !== undefined) {
        const { input } = this.#current
        if (await input.fill()) return rest(input)
        await this.#closeCurrent(input)
      }
      const full = this.#end === undefined ? await this.#fill() : this.#takeLeast(this.#end)
      if (full !== undefined) this.#reduce(full)
      else if (this.#groups.size === 0) return null
    }
  }

  tok(): Token {
    const restored = this.#restore
    if (restored === undefined) return this.#state()
    return { toJSON: () => plain(this.#refilled ?? restored) }
  }

  #state(): Token {
    const end = this.#end
    const current = this.#current
    const next = this.#inlet.ordinal
    const oldest =
      end?.starts[0] ?? Math.min(this.#groups.oldest() ?? next, current?.group.start ?? next)
    const state = oldest === next ? this.#inlet.tok() : this.#marks.at(oldest, this.#inlet.told)
    const inner = current?.input.tok() ?? null
    const starts = end?.starts ?? this.#groups.starts()
    const group = current?.group.start ?? -1
    return this.#begun.token([state, next, starts, group, inner, this.#made, end?.taken ?? -1])
  }

  /** Reads until a group is full; undefined at the end of the input. */
  async #fill(): Promise<Group | undefined> {
    const inlet = this.#inlet
    while (await fillMarked(inlet, this.#marks)) {
      while (inlet.i < inlet.n) {
        const group = this.#add(inlet)
        if (group.items.length === group.size) return group
      }
    }
    const starts = Array.from(this.#groups.values(), ({ start }) => start)
    this.#end = { starts, left: descending(this.#groups.values()), taken: 0 }
    return undefined
  }

  /** Adds the next element to its group. Moves behind it in any case. */
  #add(inlet: Inlet): Group {
    const { ordinal } = inlet
    const x = inlet.xs[inlet.i++]
    try {
      const key = this.#grouping.key(x)
      let group = this.#groups.get(key)
      if (group === undefined) {
        group = { key, start: ordinal, size: this.#grouping.size(key), items: [] }
        this.#groups.add(group)
      }
      group.items.push(x)
      return group
    } catch (error) {
      throw new ElementFailure(ordinal, error)
    }
  }

  /** tf.data keeps groups in an ordered map. */
  #takeLeast(end: End): Group | undefined {
    const group = end.left === undefined ? this.#leastKey() : end.left.pop()
    if (group === undefined) return undefined
    this.#groups.close(group)
    end.taken++
    return group
  }

  #leastKey(): Group | undefined {
    let least: Group | undefined
    for (const group of this.#groups.values())
      if (least === undefined || group.key < least.key) least = group
    return least
  }

  /** The group is gone in any case; an error is that of its last element. */
  #reduce(group: Group, state?: Json): void {
    const { op, reduce } = this.#grouping
    this.#groups.close(group)
    const { items } = group
    group.items = [] // tokens may hold on to the group
    const made = this.#made++
    const from = state ?? this.#begun.of(made)
    try {
      const result = reduce(group.key, items)
      const what = `reduce of ${op}`
      const opened = expansionOf(what, result, this.#context, made, upstreamOf(from))
      const input = nestedInput(made, opened, from, () => undefined)
      this.#current = { group, input }
      if (input.start !== undefined) this.#begun.begin(made, input.start)
    } catch (error) {
      throw new ElementFailure(this.#inlet.ordinal - 1, error)
    }
  }

  async #closeCurrent(input: NestedInput): Promise<void> {
    this.#current = undefined
    await input.close()
    if (this.#end === undefined) this.#marks.forget(this.#groups.oldest() ?? this.#inlet.ordinal)
  }

  /** After a resume: reads again from the oldest element in use, and keeps those of groups that are. */
  async #refill(from: Json): Promise<void> {
    const [, next, starts, currentStart, inner, made, taken] = from as readonly Json[]
    const inUse = new Set([...(starts as readonly number[]), Number(currentStart)])
    while (this.#inlet.ordinal < Number(next)) {
      if (!(await fillMarked(this.#inlet, this.#marks))) {
        throw shorterInput(this.#grouping.op, this.#inlet.ordinal, Number(next))
      }
      this.#addAgain(inUse)
    }
    this.#made = Number(made)
    this.#restore = undefined
    const current = [...this.#groups.values()].find(({ start }) => start === Number(currentStart))
    if (Number(taken) >= 0) {
      const end = {
        starts: starts as readonly number[],
        left: descending(this.#groups.values()),
        taken: 0,
      }
      while (end.taken < Number(taken) && this.#takeLeast(end) !== undefined);
      this.#end = end
    }
    if (current !== undefined) {
      this.#made--
      this.#reduce(current, inner)
    }
    this.#refilled = this.#state()
  }

  /** Elements of groups that were read to the end are left out, and so is what failed: both were delivered. */
  #addAgain(inUse: ReadonlySet<number>): void {
    const inlet = this.#inlet
    const { ordinal } = inlet
    if (inUse.has(ordinal)) {
      this.#add(inlet)
      return
    }
    const x = inlet.xs[inlet.i++]
    try {
      this.#groups.get(this.#grouping.key(x))?.items.push(x)
    } catch {
      // the checkpoint's run told of it
    }
  }
}

/** By key; undefined unless keys are of one type and each is equal to itself: others have no order to sort by. */
function descending(open: Iterable<Group>): Group[] | undefined {
  const groups = [...open]
  const type = typeof groups[0]?.key
  if (!groups.every(({ key }) => typeof key === type && !Number.isNaN(key))) return undefined
  return groups.sort((a, b) => (a.key < b.key ? 1 : -1))
}

/** All that an input has at once. */
function rest({ rows }: NestedInput): Chunk {
  const { xs, i, n } = rows
  rows.i = n
  return i === 0 ? xs : xs.slice(i)
}
