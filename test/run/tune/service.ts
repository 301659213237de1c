import type { VirtualClock } from 'millstream/testing'

/** A service of virtual time that works on so many calls at once; further ones wait their turn. */
export class Service {
  readonly #clock: VirtualClock
  readonly #ms: (atOnce: number) => number
  readonly #waiting: (() => void)[] = []
  capacity: number
  #atWork = 0
  /** Calls that were under way at most, those that wait included. */
  most = 0

  /** `ms`: how long a call takes, of so many at once. */
  constructor(clock: VirtualClock, capacity: number, ms: (atOnce: number) => number = () => 20) {
    this.#clock = clock
    this.capacity = capacity
    this.#ms = ms
  }

  readonly call = async (x: number): Promise<number> => {
    this.most = Math.max(this.most, this.#atWork + this.#waiting.length + 1)
    if (this.#atWork < this.capacity) this.#atWork++
    else await new Promise<void>((begin) => this.#waiting.push(begin))
    await this.#clock.sleep(this.#ms(this.#atWork))
    this.#atWork--
    while (this.#waiting.length > 0 && this.#atWork < this.capacity) {
      this.#atWork++
      this.#waiting.shift()?.()
    }
    return 2 * x
  }
}
