import type { Json, LazyToken, Token } from './operator.ts'

/** What was dealt with between two tokens. */
interface Page {
  /** Delivered, or thrown as an error: in this order. */
  readonly delivered: number[]
  readonly leftOut: number[]
  /** Come again after a resume, and dealt with before it. */
  readonly passed: number[]
  next: Page | undefined
}

/** Neighbouring ordinals: the first, and how many. */
type Stretch = readonly [first: number, length: number]

/** What was dealt with, and not in order, up to a page; `count` is that of the log then. */
interface Sum {
  readonly stretches: readonly Stretch[]
  readonly upTo: Page
  readonly count: number
}

/** Elements that pages hold before they are summed up. */
const SUMMED = 1024

const page = (): Page => ({ delivered: [], leftOut: [], passed: [], next: undefined })

/**
 * Which elements were dealt with, and in which order, where they leave as they finish: a resumed run leaves out
 * what was delivered before the checkpoint's state, and repeats the order of what was delivered since, because
 * whoever reads counts on it. Tokens point into a list that only grows forwards; what no token needs any more is
 * collected.
 *
 * What left before others is written as stretches, of which there are no more than elements under way: however far
 * the others are ahead of a slow one, a checkpoint stays small.
 */
export class CompletionLog {
  /** Ordinal of the first element that was not dealt with. */
  low: number
  /** Elements dealt with since this log began. */
  count = 0
  /** By ordinal modulo length: 1 for those dealt with, from `low` on. */
  #dealt = new Uint8Array(64)
  /** Behind the last element dealt with. */
  #end: number
  #last = page()
  /** True when a token points behind the last page. */
  #sealed = false
  #sum: Sum
  /** Of the checkpoint, and not come to again: dealt with before its state; left out since. */
  readonly #done: Set<number>
  readonly #leftOut: Set<number>
  /** Of the checkpoint: delivered since its state, in this order. */
  readonly order: readonly number[]
  readonly #insist: Set<number>
  /** How many of `order` were delivered again. */
  #repeated = 0

  /** `from` is what a token's decisions wrote. */
  constructor(low: number, from: Json | undefined) {
    const [done, order, leftOut] = Array.isArray(from) ? (from as readonly number[][]) : []
    this.low = low
    this.#end = low
    this.#sum = { stretches: [], upTo: this.#last, count: 0 }
    this.#done = new Set(read(done, low))
    this.#leftOut = new Set(read(leftOut, low))
    this.order = read(order, low)
    this.#insist = new Set(this.order)
  }

  /** True while elements of the checkpoint are to come again that were dealt with. */
  get restored(): boolean {
    return this.#done.size > 0 || this.#leftOut.size > 0
  }

  /** Whether, by the checkpoint, the element was dealt with before it, or left out since; noted as such. */
  passes(ordinal: number): 'done' | 'left out' | undefined {
    if (this.#done.delete(ordinal)) {
      this.#note(ordinal).passed.push(ordinal)
      return 'done'
    }
    if (!this.#leftOut.has(ordinal)) return undefined
    this.leaveOut(ordinal)
    return 'left out'
  }

  /** True when the checkpoint says that the element was delivered. */
  mustSucceed(ordinal: number): boolean {
    return this.#insist.has(ordinal)
  }

  deliver(ordinal: number): void {
    this.#note(ordinal).delivered.push(ordinal)
    if (this.#insist.size > 0 && this.#insist.delete(ordinal)) this.#repeated++
  }

  leaveOut(ordinal: number): void {
    this.#leftOut.delete(ordinal)
    this.#note(ordinal).leftOut.push(ordinal)
  }

  /** `[state, decisions since it]` for the state at `low`; the decisions are read when the checkpoint is written. */
  token(state: Token): readonly [Token, LazyToken] {
    this.#sealed = true
    if (this.count - this.#sum.count >= SUMMED) this.#sumUp()
    const { low } = this
    const sum = this.#sum
    const start = this.#last
    return [state, { toJSON: () => this.#write(low, sum, start) }]
  }

  #write(low: number, { stretches, upTo }: Sum, start: Page): Json {
    const done = [...this.#done]
    const order: number[] = []
    const leftOut = [...this.#leftOut]
    let since = upTo === start
    for (let next = upTo.next; next !== undefined; next = next.next) {
      for (const ordinal of next.passed) done.push(ordinal)
      for (const ordinal of next.delivered) (since ? order : done).push(ordinal)
      for (const ordinal of next.leftOut) (since ? leftOut : done).push(ordinal)
      since ||= next === start
    }
    for (const ordinal of this.order.slice(this.#repeated)) order.push(ordinal)
    const parts = [sorted([...stretches, ...each(done)]), each(order), sorted(each(leftOut))]
    const texts = parts.map((part) => written(part, low))
    return texts.every((text) => text.length === 0) ? [] : texts
  }

  /** Only right after a token: what is dealt with then is no token's future. */
  #sumUp(): void {
    const stretches: [number, number][] = []
    const dealt = this.#dealt
    const mask = dealt.length - 1
    for (let k = this.low; k < this.#end; k++) {
      if (dealt[k & mask] === 0) continue
      const last = stretches.at(-1)
      if (last !== undefined && last[0] + last[1] === k) last[1]++
      else stretches.push([k, 1])
    }
    this.#sum = { stretches, upTo: this.#last, count: this.count }
  }

  /** The page for an element that is dealt with now. */
  #note(ordinal: number): Page {
    if (this.#sealed) {
      this.#sealed = false
      this.#last = this.#last.next = page()
    }
    this.#deal(ordinal)
    return this.#last
  }

  #deal(ordinal: number): void {
    this.count++
    if (ordinal >= this.#end) this.#end = ordinal + 1
    while (ordinal - this.low >= this.#dealt.length) this.#grow()
    const dealt = this.#dealt
    const mask = dealt.length - 1
    dealt[ordinal & mask] = 1
    let { low } = this
    for (; dealt[low & mask] === 1; low++) dealt[low & mask] = 0
    this.low = low
  }

  #grow(): void {
    const old = this.#dealt
    const dealt = new Uint8Array(2 * old.length)
    for (let k = this.low; k < this.low + old.length; k++) {
      dealt[k & (dealt.length - 1)] = old[k & (old.length - 1)] ?? 0
    }
    this.#dealt = dealt
  }
}

/** Each as a stretch of its own. */
const each = (ordinals: readonly number[]): Stretch[] => ordinals.map((k) => [k, 1])

const sorted = (stretches: readonly Stretch[]): Stretch[] => stretches.toSorted(([a], [b]) => a - b)

/** Those from `low` on: the distance of each from the end of the one before, its length; neighbours as one. */
function written(stretches: readonly Stretch[], low: number): number[] {
  const out: number[] = []
  let end = low
  for (const [start, length] of stretches) {
    const first = Math.max(start, low)
    const count = start + length - first
    if (count <= 0) continue
    if (first === end && out.length > 0) out[out.length - 1] = (out.at(-1) ?? 0) + count
    else out.push(first - end, count)
    end = first + count
  }
  return out
}

/** The ordinals of what was `written`. */
function read(distances: readonly number[] | undefined, low: number): number[] {
  const ordinals: number[] = []
  let next = low
  for (let at = 0; at + 1 < (distances?.length ?? 0); at += 2) {
    next += distances?.[at] ?? 0
    for (let count = distances?.[at + 1] ?? 0; count > 0; count--) ordinals.push(next++)
  }
  return ordinals
}
