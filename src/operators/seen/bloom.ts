/** Bits a digest sets; with ten bits a digest about one in a hundred strangers passes. */
const PROBES = 7
export const BITS_PER_DIGEST = 10

/**
 * Tells most digests that are not in a set without reading it (Bloom, "Space/time trade-offs in hash coding with
 * allowable errors", 1970). The bits come of the digest itself, by double hashing (Kirsch and Mitzenmacher, 2006).
 */
export class Bloom {
  readonly #words: Uint32Array
  readonly #bits: number

  /** With no bits it lets everything pass. */
  constructor(bits: number) {
    this.#words = new Uint32Array(Math.max(1, Math.ceil(bits / 32)))
    this.#bits = bits < 32 ? 0 : this.#words.length * 32
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  add(digest: string): void {
    if (this.#bits === 0) return
    const [first, step] = hashesOf(digest)
    for (let k = 0; k < PROBES; k++) {
      const bit = (first + k * step) % this.#bits
      const word = Math.floor(bit / 32)
      this.#words[word] = (this.#words[word] ?? 0) | (1 << (bit % 32))
    }
  }

  mayHave(digest: string): boolean {
    if (this.#bits === 0) return true
    const [first, step] = hashesOf(digest)
    for (let k = 0; k < PROBES; k++) {
      const bit = (first + k * step) % this.#bits
      if (((this.#words[Math.floor(bit / 32)] ?? 0) & (1 << (bit % 32))) === 0) return false
    }
    return true
  }
}

/** Two numbers below 2^48 of a digest's last twelve characters: its first ones are in order within a run. */
function hashesOf(digest: string): readonly [number, number] {
  return [numberAt(digest, 4), numberAt(digest, 10)]
}

function numberAt(digest: string, at: number): number {
  let n = 0
  for (let k = at; k < at + 6; k++) n = n * 256 + digest.charCodeAt(k)
  return n
}
