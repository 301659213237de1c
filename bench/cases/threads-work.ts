/** What workers make for `threads`: the same whoever carries it. */

/** Elements of a chunk; `numbers` are arrays of 1,024. */
export const chunkSizes = { photos: 16, records: 1024, numbers: 16 } as const

export type Work = keyof typeof chunkSizes

/** A photo of 224 x 224 pixels. */
export const photoBytes = 224 * 224 * 3
export const numbersPerArray = 1024

export interface Person {
  readonly id: number
  readonly name: string
  readonly score: number
  readonly member: boolean
  readonly tags: readonly string[]
  readonly place: { readonly x: number; readonly y: number }
}

/** Made once: allocating them is not what is measured. No chunk holds one twice, nor does a job of a pipeline. */
const photos = Array.from({ length: 16 }, () => new Uint8Array(photoBytes).fill(7))
const arrays = Array.from({ length: 256 }, () => new Float64Array(numbersPerArray).fill(0.5))

export function photoOf(i: number): Uint8Array {
  const photo = photos[i % photos.length] ?? new Uint8Array(photoBytes)
  photo[photoBytes - 1] = i
  return photo
}

export function numbersOf(i: number): Float64Array {
  const array = arrays[i % arrays.length] ?? new Float64Array(numbersPerArray)
  array[numbersPerArray - 1] = i
  return array
}

export function personOf(i: number): Person {
  return {
    id: i,
    name: `name ${i % 1000}`,
    score: i / 3,
    member: i % 2 === 0,
    tags: ['a', `b${i % 10}`],
    place: { x: i, y: i / 7 },
  }
}

const makers = { photos: photoOf, records: personOf, numbers: numbersOf }

/** A chunk by hand. */
export function chunkOf(work: Work, first: number): readonly unknown[] {
  const make = makers[work]
  return Array.from({ length: chunkSizes[work] }, (_, k) => make(first + k))
}

/** Takes what came, in order, and looks at the end of each element. */
export class Consumer {
  #sum = 0
  count = 0

  take(values: readonly unknown[]): void {
    for (const value of values) this.#sum = (Math.imul(this.#sum, 31) + this.#mark(value)) | 0
    this.count += values.length
  }

  /** Elements are numbered from 0, so what the sum should be follows from their number. */
  get wrong(): boolean {
    let sum = 0
    const make = this.#mark
    for (let i = 0; i < this.count; i++) sum = (Math.imul(sum, 31) + make(this.#like(i))) | 0
    return sum !== this.#sum
  }

  readonly #work: Work

  constructor(work: Work) {
    this.#work = work
  }

  #like(i: number): unknown {
    return this.#work === 'records' ? { id: i } : [this.#work === 'photos' ? i & 255 : i]
  }

  readonly #mark = (value: unknown): number => {
    if (this.#work === 'records') return (value as Person).id
    const array = value as { readonly [k: number]: number; readonly length: number }
    return array[array.length - 1] ?? -1
  }
}
