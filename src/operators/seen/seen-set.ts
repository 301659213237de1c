import { digestOfKey, type ValueKey } from '../../tensor/value-key.ts'
import { BITS_PER_DIGEST } from './bloom.ts'
import { DigestRun } from './run.ts'

/** About what a key takes in a `Set`, beside the characters of a text. */
const KEY_BYTES = 48
const TEXT_BYTES = 24

const bytesOf = (key: ValueKey): number =>
  KEY_BYTES + (typeof key === 'string' ? TEXT_BYTES + key.length : 0)

/** A `Set` takes 2^24 values. */
const MOST_KEYS = 16_000_000

/** Keys of one run at first: sorting so many does not hold up the thread. */
const RUN_KEYS = 131_072

/** Runs of about one size that are merged into one. */
const FAN_IN = 8

/**
 * The keys that were met so far, in bounded memory. Beyond the budget keys move to disk as 128-bit digests: sorted
 * runs that are merged when there are too many of a size (O'Neil et al., "The log-structured merge-tree", 1996).
 */
export class SeenSet {
  readonly #memory: number
  readonly #keys = new Set<ValueKey>()
  #bytes = 0
  readonly #runs: DigestRun[] = []

  /** `memory` in bytes. */
  constructor(memory: number) {
    this.#memory = memory
  }

  /** For each key whether it was never met before; from now on it was. */
  add(keys: readonly ValueKey[]): readonly boolean[] | Promise<readonly boolean[]> {
    const news = keys.map((key) => {
      if (this.#keys.has(key)) return false
      this.#keys.add(key)
      this.#bytes += bytesOf(key)
      return true
    })
    const enough = this.#bytes <= this.#memory && this.#keys.size < MOST_KEYS
    return this.#runs.length === 0 && enough ? news : this.#addOnDisk(keys, news)
  }

  async close(): Promise<void> {
    for (const run of this.#runs.splice(0)) await run.close()
  }

  async #addOnDisk(
    keys: readonly ValueKey[],
    news: readonly boolean[],
  ): Promise<readonly boolean[]> {
    const byDigest = new Map<string, ValueKey>()
    if (this.#runs.length > 0) {
      keys.forEach((key, k) => news[k] === true && byDigest.set(digestOfKey(key), key))
    }
    const old = new Set<ValueKey>()
    for (const run of this.#runs) {
      for (const digest of await run.find([...byDigest.keys()])) {
        const key = byDigest.get(digest)
        old.add(key)
        if (this.#keys.delete(key)) this.#bytes -= bytesOf(key)
        byDigest.delete(digest)
      }
    }
    const share = this.#runs.length === 0 ? this.#memory : this.#memory / 4
    if (this.#bytes > share || this.#keys.size >= RUN_KEYS) await this.#spill()
    return old.size === 0 ? news : news.map((isNew, k) => isNew && !old.has(keys[k]))
  }

  async #spill(): Promise<void> {
    const digests = Array.from(this.#keys, digestOfKey)
    this.#keys.clear()
    this.#bytes = 0
    for (let at = 0; at < digests.length; at += RUN_KEYS) {
      const sorted = digests.slice(at, at + RUN_KEYS).sort()
      this.#runs.push(await DigestRun.write([sorted], this.#filterBits(sorted.length)))
      await this.#mergeAlike()
    }
  }

  /** Merges the smallest runs while there are many that are not much larger than each other. */
  async #mergeAlike(): Promise<void> {
    for (;;) {
      this.#runs.sort((a, b) => b.length - a.length)
      const last = this.#runs.at(-1)
      const alike = this.#runs.slice(-FAN_IN)
      if (last === undefined || alike.length < FAN_IN) return
      if ((alike[0]?.length ?? 0) >= FAN_IN * last.length) return
      const total = alike.reduce((sum, run) => sum + run.length, 0)
      const merged = await DigestRun.merge(alike, this.#filterBits(total, alike))
      this.#runs.splice(-FAN_IN, FAN_IN, merged)
      for (const run of alike) await run.close()
    }
  }

  /** Filters take half of the memory at most; later ones are coarser. */
  #filterBits(digests: number, replaced: readonly DigestRun[] = []): number {
    const kept = this.#runs.filter((run) => !replaced.includes(run))
    const used = kept.reduce((sum, run) => sum + run.filter.bytes, 0)
    return Math.max(0, Math.min(digests * BITS_PER_DIGEST, (this.#memory / 2 - used) * 8))
  }
}
