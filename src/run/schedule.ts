/** When a position is committed so that it survives the machine. */
export interface Every {
  readonly elements?: number
  readonly ms?: number
}

/** A durable commit survives a loss of power, a quick one the end of the process. */
export type CommitKind = 'durable' | 'quick'

/** Shares of the time that commits may take, unless it is said when they come; milliseconds between two at least. */
const limits = {
  durable: { share: 0.03, least: 200 },
  quick: { share: 0.02, least: 10 },
} as const

/**
 * When to commit. Quick commits come often, so that a killed process repeats little; durable ones, for which disks
 * are waited for, as often as they cost little.
 */
export class Schedule {
  readonly #every: Every | undefined
  readonly #quick: boolean
  readonly #last = { durable: performance.now(), quick: performance.now() }
  /** Milliseconds of the last two of each kind: one alone may have been held up by anything, the first by warming up. */
  readonly #took = { durable: [0, 0], quick: [0, 0] }
  /** Elements written since the last commit of any kind, and since the last durable one. */
  readonly #written = { durable: 0, quick: 0 }

  /** `quick` is false where nobody keeps the position between two processes. */
  constructor(every: Every | undefined, quick: boolean) {
    this.#every = every
    this.#quick = quick
  }

  wrote(elements: number): void {
    this.#written.durable += elements
    this.#written.quick += elements
  }

  /** True when there is something to commit by anybody's wish. */
  get pending(): boolean {
    return this.#written.durable > 0
  }

  /** The commit that is due now. */
  due(): CommitKind | undefined {
    const { elements = Infinity } = this.#every ?? {}
    if (this.#written.durable >= elements) return 'durable'
    return this.#next().find(({ ms }) => ms <= 0)?.kind
  }

  /** Milliseconds until one is due, if nothing more is written; `Infinity` when none will be. */
  get wait(): number {
    return Math.max(0, Math.min(...this.#next().map(({ ms }) => ms)))
  }

  committed(kind: CommitKind, took: number): void {
    this.#last.quick = performance.now()
    this.#written.quick = 0
    this.#took[kind] = [this.#took[kind].at(-1) ?? 0, took]
    if (kind === 'quick') return
    this.#last.durable = this.#last.quick
    this.#written.durable = 0
  }

  #next(): readonly { readonly kind: CommitKind; readonly ms: number }[] {
    const now = performance.now()
    return (['durable', 'quick'] as const).map((kind) => ({
      kind,
      ms: this.#written[kind] === 0 ? Infinity : this.#last[kind] + this.#interval(kind) - now,
    }))
  }

  #interval(kind: CommitKind): number {
    if (kind === 'quick' && !this.#quick) return Infinity
    if (kind === 'durable' && this.#every !== undefined) return this.#every.ms ?? Infinity
    const { share, least } = limits[kind]
    return Math.max(least, Math.min(...this.#took[kind]) / share)
  }
}
