import { combine, hashBelow, mix } from './random.ts'

/** Up to here a table of all positions: a network's orders of few elements are visibly uneven. */
const TABLE = 65_536

/**
 * A random order of `0 .. n-1` that follows from `key`: what is at place `i`, at once and without a list of
 * all. Small `n` are laid out (Fisher-Yates), larger ones computed in O(1) memory.
 */
export function permutation(key: number, n: number): (i: number) => number {
  if (n > TABLE) return network(key, n)
  const table = shuffledTable(key, n)
  return (i) => table[i] ?? 0
}

/** Fisher-Yates, from the front. */
function shuffledTable(key: number, n: number): Uint32Array {
  const table = Uint32Array.from({ length: n }, (_, k) => k)
  for (let k = n - 1; k > 0; k--) {
    const other = hashBelow(key, k, k + 1)
    const value = table[k] ?? 0
    table[k] = table[other] ?? 0
    table[other] = value
  }
  return table
}

/**
 * A Feistel network on the pairs (left, right) below (a, b) with a * b just above `n` (Black and Rogaway,
 * "Ciphers with arbitrary finite domains", 2002): a place that maps behind `n` is mapped again until it does
 * not, which with such an a and b happens once in about sqrt(n) places. Six rounds: Luby and Rackoff prove four
 * enough for ideal functions, and the tests of this one find no pattern.
 */
export function network(key: number, n: number): (i: number) => number {
  const a = Math.ceil(Math.sqrt(n))
  const b = Math.ceil(n / a)
  const of = (round: number): number => combine(key, round)
  const [k0, k1, k2, k3, k4, k5] = [of(0), of(1), of(2), of(3), of(4), of(5)]
  return (i) => {
    let x = i
    do {
      let left = Math.floor(x / b)
      let right = x - left * b
      left = moved(left, right ^ k0, a)
      right = moved(right, left ^ k1, b)
      left = moved(left, right ^ k2, a)
      right = moved(right, left ^ k3, b)
      left = moved(left, right ^ k4, a)
      right = moved(right, left ^ k5, b)
      x = left * b + right
    } while (x >= n)
    return x
  }
}

/** One half moved on by a hash of the other, around `size`. In 31 bits, for the division to be one of integers. */
function moved(half: number, other: number, size: number): number {
  const sum = half + ((mix(other) >>> 1) % size)
  return sum >= size ? sum - size : sum
}
