import { CheckpointMismatchError } from '../errors/index.ts'
import type { CompletionLog } from '../stream/completion-log.ts'
import type { LazyToken, Token } from '../stream/operator.ts'
import type { Failure, Results } from './work.ts'

/** From the oldest element under way to the newest at most: so many a resume reads again, and passes over. */
const MAX_SPAN = 262_144

const FAILED = Symbol('failed')

/**
 * Results that leave as they finish. After a resume those that were delivered behind the checkpoint's state are
 * delivered in the order they had, then all others.
 */
export class AsFinished implements Results {
  leftOut = 0
  readonly #start: number
  readonly #log: CompletionLog
  readonly #failures = new Map<number, Failure>()
  /** Finished, in the order in which they leave; those before `#at` have left. */
  #values: unknown[] = []
  #ordinals: number[] = []
  #at = 0
  /** Finished, but others were delivered before them. */
  readonly #early = new Map<number, unknown>()
  /** How many of the log's order came so far. */
  #repeated = 0
  /** The last element that the log's order needs. */
  readonly #needed: number

  constructor(log: CompletionLog) {
    this.#log = log
    this.#start = log.low
    this.#needed = log.order.reduce((max, k) => Math.max(max, k), -1)
  }

  get ready(): number {
    return this.#values.length - this.#at
  }

  get repeats(): boolean {
    return this.#repeated < this.#log.order.length
  }

  get low(): number {
    return this.#log.low
  }

  admits(next: number, room: number): number {
    if (next <= this.#needed) return 1
    const waiting = next - this.#start - this.#log.count
    const span = Math.max(MAX_SPAN, 2 * room) - (next - this.#log.low)
    const free = Math.max(0, Math.min(room - waiting, span))
    return this.#log.restored ? Math.min(1, free) : free
  }

  leavesOut(ordinal: number): boolean {
    const passed = this.#log.passes(ordinal)
    if (passed === 'left out') this.leftOut++
    return passed !== undefined
  }

  put(ordinal: number, value: unknown): void {
    if (this.repeats) this.#repeat(ordinal, value)
    else this.#push(ordinal, value)
  }

  fail(failure: Failure): void {
    this.#failures.set(failure.ordinal, failure)
    this.put(failure.ordinal, FAILED)
  }

  collect(out: unknown[], max: number): Failure | undefined {
    const values = this.#values
    while (this.#at < values.length && out.length < max) {
      const value = values[this.#at]
      const ordinal = this.#ordinals[this.#at] ?? 0
      if (value === FAILED) return this.#failures.get(ordinal)
      out.push(value)
      this.#log.deliver(ordinal)
      values[this.#at++] = undefined
    }
    if (this.#at === values.length) {
      this.#values = []
      this.#ordinals = []
      this.#at = 0
    }
    return undefined
  }

  maySkip({ ordinal }: Failure): boolean {
    return !this.#log.mustSucceed(ordinal)
  }

  skip({ ordinal }: Failure): void {
    this.leftOut++
    this.#log.leaveOut(ordinal)
    this.#drop(ordinal)
  }

  raise({ ordinal }: Failure): void {
    this.#log.deliver(ordinal)
    this.#drop(ordinal)
  }

  end(): void {
    const missing = this.#log.order.length - this.#repeated
    if (missing === 0) return
    throw new CheckpointMismatchError(
      `the input ended before ${missing} elements that were delivered behind the checkpoint: it is not the input it was`,
    )
  }

  token(state: Token): readonly [Token, LazyToken] {
    return this.#log.token(state)
  }

  #push(ordinal: number, value: unknown): void {
    this.#values.push(value)
    this.#ordinals.push(ordinal)
  }

  #repeat(ordinal: number, value: unknown): void {
    const { order } = this.#log
    this.#early.set(ordinal, value)
    for (; this.#repeated < order.length; this.#repeated++) {
      const next = order[this.#repeated] ?? -1
      if (!this.#early.has(next)) return
      this.#push(next, this.#early.get(next))
      this.#early.delete(next)
    }
    for (const [k, early] of this.#early) this.#push(k, early)
    this.#early.clear()
  }

  #drop(ordinal: number): void {
    this.#failures.delete(ordinal)
    this.#values[this.#at++] = undefined
  }
}
