/**
 * All chance in Millstream is `hash(key, ordinal)`: no generator has state, so any element's random numbers
 * can be computed again on any thread, at any chunk size and after a resume. A key stands for
 * (seed, place in the plan, epoch).
 */

/** One round of a bijective 32-bit mixer (constants "lowbias32" by C. Wellons, public domain). */
export function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return h ^ (h >>> 15)
}

/** 32 random bits for place `n` (0 .. 2^53) of the stream named by `key`. */
export function hash(key: number, n: number): number {
  const high = n > 0xffffffff ? Math.floor(n / 0x1_0000_0000) : 0
  const first = mix((n | 0) ^ key) + Math.imul(key ^ high, 0x9e3779b1)
  return mix(first ^ high) >>> 0
}

/** A whole number in `[0, bound)`; `bound` up to 2^32. */
export function hashBelow(key: number, n: number, bound: number): number {
  return Math.floor((hash(key, n) / 0x1_0000_0000) * bound)
}

/** A number in `[0, 1)` with 53 random bits. */
export function hashUnit(key: number, n: number): number {
  const high = hash(key, n) >>> 5
  const low = hash(key ^ 0x5bd1e995, n) >>> 6
  return (high * 0x4000000 + low) / 0x20_0000_0000_0000
}

/** The key of a part of the stream named by `key`: of a node, an epoch, an element. */
export function combine(key: number, part: number): number {
  return hash(mix(key ^ 0x2545f491), part) | 0
}

/** The key of an operator with a seed of its own; `again` is true where each epoch draws anew. */
export function seededKey(
  { key, fixedKey }: { readonly key: number; readonly fixedKey: number },
  seed: number | undefined,
  again: boolean,
): number {
  return combine(again ? key : fixedKey, seed ?? 0)
}

/** A key from text, such as a node's id (FNV-1a, then mixed). */
export function keyOfText(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}
