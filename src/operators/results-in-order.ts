import type { SkipLog } from '../stream/decisions.ts'
import type { LazyToken, Token } from '../stream/operator.ts'
import type { Failure, Results } from './work.ts'

const PENDING = Symbol('under way')
const SKIPPED = Symbol('left out')
const FAILED = Symbol('failed')

/** Results that wait for their turn, in a ring: place `ordinal` modulo its length. */
export class InOrder implements Results {
  readonly repeats = false
  low: number
  leftOut = 0
  /** Everything before it is finished. */
  #front: number
  #ring: unknown[] = new Array<unknown>(64).fill(PENDING)
  readonly #failures = new Map<number, Failure>()
  readonly #skips: SkipLog

  constructor(low: number, skips: SkipLog) {
    this.low = low
    this.#front = low
    this.#skips = skips
  }

  get ready(): number {
    return this.#front - this.low
  }

  admits(next: number, room: number): number {
    const ahead = next - this.low
    if (ahead >= room) return 0
    if (ahead + 1 >= this.#ring.length) this.#grow(next)
    return this.#skips.restored ? 1 : Math.min(room, this.#ring.length - 1) - ahead
  }

  leavesOut(ordinal: number): boolean {
    if (!this.#skips.isSkipped(ordinal)) return false
    this.put(ordinal, SKIPPED)
    return true
  }

  put(ordinal: number, value: unknown): void {
    const ring = this.#ring
    const mask = ring.length - 1
    ring[ordinal & mask] = value
    if (ordinal !== this.#front) return
    let front = ordinal + 1
    while (ring[front & mask] !== PENDING) front++
    this.#front = front
  }

  fail(failure: Failure): void {
    this.#failures.set(failure.ordinal, failure)
    this.put(failure.ordinal, FAILED)
  }

  collect(out: unknown[], max: number): Failure | undefined {
    const ring = this.#ring
    const mask = ring.length - 1
    let low = this.low
    let failure: Failure | undefined
    for (; low < this.#front && out.length < max; low++) {
      const value = ring[low & mask]
      if (value === FAILED) {
        failure = this.#failures.get(low)
        break
      }
      ring[low & mask] = PENDING
      if (value === SKIPPED) this.#leaveOut(low)
      else out.push(value)
    }
    this.low = low
    this.#skips.decide(low - 1)
    return failure
  }

  maySkip({ ordinal }: Failure): boolean {
    return !this.#skips.mustSucceed(ordinal)
  }

  skip(failure: Failure): void {
    this.raise(failure)
    this.#leaveOut(failure.ordinal)
  }

  raise({ ordinal }: Failure): void {
    this.#failures.delete(ordinal)
    this.#ring[ordinal & (this.#ring.length - 1)] = PENDING
    this.low = ordinal + 1
  }

  end(): void {
    // What a checkpoint says was left out and does not come any more changes nothing.
  }

  token(state: Token): readonly [Token, LazyToken] {
    return this.#skips.token(state)
  }

  #leaveOut(ordinal: number): void {
    this.leftOut++
    this.#skips.skip(ordinal)
  }

  /** One place is always free: it ends the finished stretch. */
  #grow(next: number): void {
    const old = this.#ring
    const ring = new Array<unknown>(2 * old.length).fill(PENDING)
    for (let k = this.low; k < next; k++) {
      ring[k & (ring.length - 1)] = old[k & (old.length - 1)]
    }
    this.#ring = ring
  }
}
