/**
 * Where elements came from, for people: `data/a.jsonl:12`, `array#1[17]`, `docs/a.csv:3 to docs/a.csv:9`. Asked for
 * only when an element failed; until then a chunk costs a closure.
 */

/** The origin of the element at place `k` of a chunk; undefined where it is not known. */
export type Origin = (k: number) => string | undefined

/** The origin of what was made of the elements from one to another. */
export function span(first: string | undefined, last: string | undefined): string | undefined {
  if (first === last || last === undefined) return first
  return first === undefined ? `up to ${last}` : `${first} to ${last}`
}

/** Several origins at once: of what is put together. */
export function together(origins: readonly (string | undefined)[]): string | undefined {
  const known = new Set(origins.filter((origin) => origin !== undefined))
  return known.size === 0 ? undefined : [...known].join(' and ')
}

/** The origins of a chunk that is made in several goes. */
export class Origins {
  readonly #starts: number[] = []
  readonly #parts: (Origin | undefined)[] = []

  /** The elements from `start` on are of `part`, which counts from 0 there. */
  add(start: number, part: Origin | undefined): void {
    this.#starts.push(start)
    this.#parts.push(part)
  }

  readonly of: Origin = (k) => {
    const at = this.#starts.findLastIndex((start) => start <= k)
    return this.#parts[at]?.(k - (this.#starts[at] ?? 0))
  }
}
