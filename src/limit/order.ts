/** Lets what has the same key go one after the other, in the order in which it came. */
export class KeyOrder {
  /** The last that came of each key that is busy. */
  readonly #last = new Map<unknown, Promise<void>>()

  /** Resolves when it is this one's turn; what it gives is called when the next may go. */
  async enter(key: unknown): Promise<() => void> {
    const before = this.#last.get(key)
    let leave = (): void => undefined
    const done = new Promise<void>((resolve) => {
      leave = resolve
    })
    this.#last.set(key, done)
    await before
    return () => {
      if (this.#last.get(key) === done) this.#last.delete(key)
      leave()
    }
  }
}
