/** Rates this near to each other are the same: clocks are coarse, and machines are shared. */
const SAME = 0.97
/** Neighbours nearer than this are not worth telling apart. */
const NEAR = 1.2
/** A rate that grows like the number it is of, but for this, has its best further up. */
const LINEAR = 0.9

/** Rates by the values at which they were measured. */
export type Tried = ReadonlyMap<number, number>

export interface Around {
  readonly least: number
  readonly most: number
  /** The next value upward, where it was not tried; no more than `most`. */
  readonly up: number
  /** By what factor to go down. */
  readonly down: number
}

/** The least value whose rate is as good as the best. */
export function bestOf(tried: Tried): number {
  const best = Math.max(...tried.values())
  return Math.min(...[...tried].filter(([, rate]) => rate >= SAME * best).map(([value]) => value))
}

/**
 * The value to try next, of rates that rise to a best and fall behind it; undefined when the best is known. First
 * both neighbours, far away, then between them.
 */
export function nextValue(tried: Tried, { least, most, up, down }: Around): number | undefined {
  const best = bestOf(tried)
  const values = [...tried.keys()].toSorted((a, b) => a - b)
  const above = values.find((value) => value > best)
  const below = values.findLast((value) => value < best)
  if (above === undefined && up > best && best < most) return Math.min(most, up)
  if (below === undefined && best > least) return Math.max(least, Math.floor(best / down))
  return between(best, above) ?? (isLinear(tried, below, best) ? undefined : between(below, best))
}

function isLinear(tried: Tried, below: number | undefined, best: number): boolean {
  if (below === undefined) return true
  const gain = (tried.get(best) ?? 0) / (tried.get(below) ?? 0)
  return gain >= LINEAR * (best / below)
}

function between(low: number | undefined, high: number | undefined): number | undefined {
  if (low === undefined || high === undefined || high / low < NEAR) return undefined
  const middle = Math.round(Math.sqrt(low * high))
  return middle > low && middle < high ? middle : undefined
}

/** First steps go far; later ones look whether a little more would do more by now: if not, that cost nothing. */
const FAR = 2
const ROUND = 1.25
/** At most so far at once, whatever the model wants. */
const FARTHEST = 2
/** A little more than what should be enough. */
const SPARE = 1.1
/** Milliseconds until it looks around again, and at most; they double each time. */
const REST = 4_000
const LONGEST_REST = 60_000
/** A rate that differs by more than this is of other work, or of another world. */
const DRIFT = 0.2
/** Stretches in a row after which that is believed. */
const DRIFTED = 2

export interface Here {
  readonly now: number
  readonly least: number
  readonly most: number
  /** How many would be enough by the model; `Infinity` where nothing else bounds the pipeline. */
  readonly wanted: number
}

/** The search for the best value of one knob, over the time of a run. */
export class Search {
  readonly #tried = new Map<number, number>()
  #step = FAR
  #rest = REST
  #restUntil: number | undefined
  #drifted = 0

  /** The value to try, of one that is at `value` and has `rate`; undefined while it should stay. */
  next(value: number, rate: number, { now, least, most, wanted }: Here): number | undefined {
    if (this.#restUntil !== undefined) {
      this.#drifted = this.#differs(value, rate) ? this.#drifted + 1 : 0
      if (this.#drifted >= DRIFTED) this.#startAgain(FAR, REST)
      else if (now >= this.#restUntil)
        this.#startAgain(ROUND, Math.min(LONGEST_REST, 2 * this.#rest))
      else return undefined
    }
    this.#tried.set(value, rate)
    const up = Math.max(value + 1, Math.min(this.#upFrom(value, wanted), FARTHEST * value))
    const looksAround = this.#step !== FAR
    const from = looksAround ? Math.max(least, value) : least
    const to = nextValue(this.#tried, { least: from, most, up, down: FAR })
    if (to === undefined) this.#restUntil = now + this.#rest
    return to
  }

  /** Notes the rate of a value that was tried, and says which is to be kept. */
  judge(value: number, rate: number): number {
    this.#tried.set(value, rate)
    return bestOf(this.#tried)
  }

  /** The best rate, where more brought nothing. */
  get ceiling(): number | undefined {
    const best = bestOf(this.#tried)
    const more = [...this.#tried.keys()].some((value) => value > best)
    return more ? this.#tried.get(best) : undefined
  }

  #upFrom(value: number, wanted: number): number {
    if (wanted === Infinity || this.#step !== FAR) return Math.ceil(value * this.#step)
    return Math.ceil(SPARE * wanted)
  }

  #differs(value: number, rate: number): boolean {
    const settled = this.#tried.get(value)
    return settled === undefined || Math.abs(rate - settled) > DRIFT * settled
  }

  #startAgain(step: number, rest: number): void {
    this.#tried.clear()
    this.#step = step
    this.#rest = rest
    this.#restUntil = undefined
    this.#drifted = 0
  }
}
