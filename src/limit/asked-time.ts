/** How long a server wanted no calls, for who must not count that time: overlapping pauses count once. */
export class AskedTime {
  #until = 0
  #sum = 0

  /** The server wants no calls until then. */
  note(now: number, until: number): void {
    if (until <= this.#until) return
    this.#sum += until - Math.max(this.#until, now)
    this.#until = until
  }

  /** Milliseconds of that until now. */
  total(now: number): number {
    return this.#sum - Math.max(0, this.#until - now)
  }
}
