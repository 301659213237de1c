/** How much a new observation counts. */
const WEIGHT = 0.08

/** Mean standard score of refused calls' costs that speaks for a limit on that cost, or against one. */
const FOR = 0.25
const AGAINST = 0.1
/** Refusals before an opinion. */
const LEAST = 8

/**
 * Which meter does the server limit, when it doesn't say? One that limits tokens refuses big calls more often
 * than small ones; one that limits requests refuses without regard to size. So the costs of refused calls are
 * compared with those of all.
 */
export class Suspicion {
  #mean = 0
  #square = 0
  #calls = 0
  #score = 0
  #refusals = 0

  /** A call goes that costs so much. */
  called(cost: number): void {
    const weight = Math.max(0.01, 1 / ++this.#calls)
    this.#mean += weight * (cost - this.#mean)
    this.#square += weight * (cost ** 2 - this.#square)
  }

  /** A call was refused that costs so much. */
  refused(cost: number): void {
    const deviation = Math.sqrt(Math.max(0, this.#square - this.#mean ** 2))
    if (deviation < 0.05 * this.#mean) return
    const weight = Math.max(WEIGHT, 1 / ++this.#refusals)
    const score = Math.max(-2, Math.min(2, (cost - this.#mean) / deviation))
    this.#score += weight * (score - this.#score)
  }

  /** True: this cost is limited. False: it is not. Undefined: too early to say, or calls cost all the same. */
  get verdict(): boolean | undefined {
    if (this.#refusals < LEAST) return undefined
    if (this.#score > FOR) return true
    return this.#score < AGAINST ? false : undefined
  }
}
