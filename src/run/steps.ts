/** Steps on a file, one at a time; behind one that failed none is made: the system tells of lost bytes once. */
export class Steps {
  #last: Promise<void> = Promise.resolve()

  add(step: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(step)
    this.#last.catch(() => undefined) // the caller waits for the same promise
    return this.#last
  }

  /** Resolves when none is under way; who waited for one that failed has its error. */
  settled(): Promise<void> {
    return this.#last.catch(() => undefined)
  }
}
