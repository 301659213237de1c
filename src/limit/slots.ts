/** Slots to begin with, and at most, where their number is learnt. */
const FIRST = 8
const MOST = 1024
/** A change must be worth this much more throughput to be kept. */
const WORTH = 1.1
/** Answers, in rounds of all slots, by which a number of slots is judged. */
const ROUNDS = 3
/** Judgements after which the next larger number is tried again. */
const PATIENCE = 8
/** What a refusal, or a call without an answer, leaves. */
const LOWERED = 0.7

/**
 * How many calls may be under way. A given number, or `'auto'`: it climbs while more calls at once give more
 * answers a second, and falls when the other side refuses (hill climbing, as tf.data's autotuning does it).
 */
export class Slots {
  readonly #auto: boolean
  readonly #now: () => number
  readonly #waiting: (() => void)[] = []
  #size: number
  #used = 0
  /** The number that was good before the one that is tried. */
  #good = { size: 0, rate: 0 }
  #answers = 0
  #failures = 0
  #loweredAt = -Infinity
  #since: number | undefined
  #rested = 0

  constructor(size: number | 'auto', now: () => number) {
    this.#auto = size === 'auto'
    this.#size = size === 'auto' ? FIRST : size
    this.#now = now
  }

  get size(): number {
    return this.#size
  }

  /** True when a slot was free: it is taken then. */
  take(): boolean {
    if (this.#used >= this.#size) return false
    this.#used++
    return true
  }

  /** Takes the next slot that becomes free. */
  async next(): Promise<void> {
    while (!this.take()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Lets all that wait look again whether they still want to. */
  wakeAll(): void {
    this.#size = Infinity
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Gives a slot back that no call was made in. */
  unused(): void {
    this.#release()
  }

  /** Gives a slot back after a call that began at `start`. */
  free(outcome: 'ok' | 'refused' | 'transient' | 'permanent', start: number): void {
    if (this.#auto) this.#learn(outcome, start)
    this.#release()
  }

  #release(): void {
    this.#used--
    for (const wake of this.#waiting.splice(0, this.#size - this.#used)) wake()
  }

  #learn(outcome: 'ok' | 'refused' | 'transient' | 'permanent', start: number): void {
    if (outcome === 'refused') return start < this.#loweredAt ? undefined : this.#lower()
    // Slots that are not all used say nothing about their number.
    if (this.#used < this.#size) return this.#restart()
    this.#since ??= this.#now()
    if (outcome === 'transient') this.#failures++
    if (++this.#answers < ROUNDS * this.#size) return
    // Some calls always fail; when most do, there are too many.
    if (this.#failures > this.#answers / 2) this.#lower()
    else this.#judge(this.#answers)
  }

  #lower(): void {
    this.#loweredAt = this.#now()
    this.#size = Math.max(1, Math.floor(this.#size * LOWERED))
    this.#good = { size: this.#size, rate: 0 }
    this.#restart()
  }

  #judge(answers: number): void {
    const rate = answers / Math.max(1e-3, this.#now() - (this.#since ?? 0))
    const tried = this.#size > this.#good.size
    const better = rate >= WORTH * this.#good.rate
    if (tried && !better) {
      this.#size = this.#good.size
      this.#rested = 0
    } else if (better || ++this.#rested >= PATIENCE) {
      this.#good = { size: this.#size, rate }
      this.#size = Math.min(MOST, this.#size + Math.max(1, Math.floor(this.#size / 2)))
      this.#rested = 0
    } else {
      this.#good = { size: this.#size, rate }
    }
    this.#restart()
  }

  #restart(): void {
    this.#answers = this.#failures = 0
    this.#since = undefined
  }
}
