/** Services of known cost for pipelines to call, and memory that is counted. */
import { setTimeout as sleep } from 'node:timers/promises'

export type Call = (x: number) => Promise<number>

/** Takes `ms` for each call, however many there are. */
export const patient =
  (ms: number): Call =>
  async (x) => {
    await sleep(ms)
    return x
  }

/** Takes times that differ a lot: exponential, of this mean. */
export const fickle =
  (ms: number): Call =>
  async (x) => {
    await sleep(-ms * Math.log(1 - Math.random()))
    return x
  }

/** Works on so many calls at once, `ms` each; the others wait their turn. */
export class Counter {
  capacity: number
  ms: number
  #atWork = 0
  readonly #waiting: (() => void)[] = []

  constructor(capacity: number, ms: number) {
    this.capacity = capacity
    this.ms = ms
  }

  readonly call: Call = async (x) => {
    if (this.#atWork < this.capacity) this.#atWork++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await sleep(this.ms)
    this.#atWork--
    while (this.#waiting.length > 0 && this.#atWork < this.capacity) {
      this.#atWork++
      this.#waiting.shift()?.()
    }
    return x
  }
}

/** Slower the more calls there are beyond `good`, all of them together too. */
export function contended(good: number, ms: number): Call {
  let atOnce = 0
  return async (x) => {
    atOnce++
    await sleep(ms * Math.max(1, (atOnce / good) ** 1.5))
    atOnce--
    return x
  }
}

/** Bytes of elements that were made and not yet taken. */
export class Held {
  most = 0
  #bytes = 0

  make(size: number): Uint8Array {
    this.#bytes += size
    this.most = Math.max(this.most, this.#bytes)
    return new Uint8Array(size)
  }

  take(bytes: Uint8Array): void {
    this.#bytes -= bytes.byteLength
  }
}
