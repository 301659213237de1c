/** The pipelines of `overhead`: range -> map -> filter -> map -> batch(256), and what shows that all was done. */

export const batchSize = 256

/** The three functions of a pipeline over numbers from 0 on. */
export interface Work<A = unknown, B = unknown> {
  readonly first: (i: number) => A
  readonly keep: (x: A) => boolean
  readonly second: (x: A) => B
}

export type Shape = 'numbers' | 'objects'

interface Small {
  readonly id: number
  readonly value: number
}

export const numbers = erase<number, number>({
  first: (i) => i * 2 + 1,
  keep: (x) => x % 3 !== 0,
  second: (x) => x * 0.5,
})

export const objects = erase<Small, Small>({
  first: (i) => ({ id: i, value: i * 2 }),
  keep: (x) => x.id % 3 !== 0,
  second: (x) => ({ id: x.id, value: x.value + 1 }),
})

export const works: Readonly<Record<Shape, Work>> = { numbers, objects }

/** Eight pipelines of other element types: what else runs in a real program. */
export const others: readonly Work[] = [
  erase<string, string>({
    first: (i) => `n${i}`,
    keep: (s) => s.length > 1,
    second: (s) => `${s}!`,
  }),
  erase<readonly [number, number], readonly [number, number]>({
    first: (i) => [i, i + 1],
    keep: ([a]) => a % 5 !== 0,
    second: ([a, b]) => [b, a],
  }),
  erase<Float32Array, Float32Array>({
    first: (i) => Float32Array.of(i, i, i),
    keep: (v) => v[0] !== 10,
    second: (v) => v.map((x) => x * 2),
  }),
  erase<{ a: number }, { a: number; b: string }>({
    first: (i) => ({ a: i }),
    keep: (x) => x.a > 3,
    second: (x) => ({ a: x.a, b: 'b' }),
  }),
  erase<{ id: string; at: { x: number } }, { at: { x: number } }>({
    first: (i) => ({ id: String(i), at: { x: i } }),
    keep: (x) => x.at.x % 7 !== 0,
    second: (x) => ({ at: x.at }),
  }),
  erase<boolean, boolean>({ first: (i) => i % 2 === 0, keep: (b) => b, second: (b) => !b }),
  erase<number, number>({ first: (i) => i / 3, keep: (x) => x > 1, second: Math.floor }),
  erase<{ value: number; id: string }, { id: string; value: number }>({
    first: (i) => ({ value: i, id: 'x' }),
    keep: (x) => x.value % 2 === 1,
    second: (x) => ({ id: x.id, value: -x.value }),
  }),
]

function erase<A, B>(work: Work<A, B>): Work {
  return work as unknown as Work
}

/** Looks at each batch: its length, its first and its last element. */
export class Tally {
  #elements = 0
  #batches = 0
  #hash = 0

  add(length: number, first: number, last: number): void {
    this.#elements += length
    this.#batches++
    this.#hash = (this.#hash * 31 + first * 7 + last) % 1_000_003
  }

  /** Batches as arrays of elements. */
  readonly addRows = (batch: readonly unknown[]): void => {
    this.add(batch.length, valueOf(batch[0]), valueOf(batch.at(-1)))
  }

  get check(): string {
    return `${this.#elements} elements, ${this.#batches} batches, ${this.#hash}`
  }
}

function valueOf(x: unknown): number {
  if (typeof x === 'number') return x
  const { id, value } = x as Small
  return id + value
}
