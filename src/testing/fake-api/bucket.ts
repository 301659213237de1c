/** A token bucket: fills at a rate, holds so much, and calls take from it. Time is given in milliseconds. */
export class Bucket {
  /** What it gave to calls. */
  given = 0
  #rate: number
  #capacity: number
  #level: number
  #at: number
  /** What it could have given since `#openedAt`, up to the last change of its rate. */
  #offered = 0
  #openedAt: number | undefined

  /** `perMinute` flows in, `burst` milliseconds of that are held. */
  constructor(now: number, perMinute: number, burst: number) {
    this.#rate = perMinute / 60_000
    this.#capacity = Math.max(1, this.#rate * burst)
    this.#level = this.#capacity
    this.#at = now
  }

  setRate(now: number, perMinute: number, burst: number): void {
    this.#flow(now)
    if (this.#openedAt !== undefined) {
      this.#offered += (now - this.#openedAt) * this.#rate
      this.#openedAt = now
    }
    this.#rate = perMinute / 60_000
    this.#capacity = Math.max(1, this.#rate * burst)
    this.#level = Math.min(this.#level, this.#capacity)
  }

  /** Milliseconds until a call of this cost is let in: 0 when it is now. One larger than the bucket needs it full. */
  wait(now: number, cost: number): number {
    this.#flow(now)
    const missing = Math.min(cost, this.#capacity) - this.#level
    return missing <= 1e-6 * this.#capacity ? 0 : missing / this.#rate
  }

  take(now: number, cost: number): void {
    this.#flow(now)
    this.#openedAt ??= now
    this.#level -= cost
    this.given += cost
  }

  get perMinute(): number {
    return this.#rate * 60_000
  }

  get capacity(): number {
    return this.#capacity
  }

  level(now: number): number {
    this.#flow(now)
    return this.#level
  }

  /** Milliseconds until it is full. */
  untilFull(now: number): number {
    return (this.#capacity - this.level(now)) / this.#rate
  }

  /** What flowed in from its first call until `now`. */
  offered(now: number): number {
    if (this.#openedAt === undefined) return 0
    return this.#offered + (now - this.#openedAt) * this.#rate
  }

  #flow(now: number): void {
    this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#rate)
    this.#at = now
  }
}
