/** CPU work of a known amount, on either side of a pipeline. */
import { stage } from 'millstream/stage'

/** As large as a photo of 224 x 224 pixels. */
const itemBytes = 224 * 224 * 3

export interface Item {
  /** What the work gave: nobody can leave it out. */
  readonly result: number
  readonly pixels: Uint8Array
}

/** So many rounds of arithmetic, about a nanosecond each. */
export function burn(rounds: number, seed: number): number {
  let x = seed | 0
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0
  return x
}

export function makeItem(index: number, rounds: number): Item {
  const result = burn(rounds, index)
  return { result, pixels: new Uint8Array(itemBytes).fill(result) }
}

export const produce = stage(
  import.meta,
  (index: number, _local, { rounds }: { readonly rounds: number }) => makeItem(index, rounds),
)
