import { combine, hash, hashBelow } from './random.ts'

/** Up to here a table of all positions: a network's orders of few elements are visibly uneven. */
const TABLE = 65_536

/** Rounds after which no test of order finds a pattern; Luby and Rackoff prove 4 enough for ideal functions. */
const ROUNDS = 6

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
 * not, which with such an a and b happens once in about sqrt(n) places.
 */
export function network(key: number, n: number): (i: number) => number {
  const a = Math.ceil(Math.sqrt(n))
  const b = Math.ceil(n / a)
  const keys = Int32Array.from({ length: ROUNDS }, (_, round) => combine(key, round))
  return (i) => {
    let x = i
    do {
      let left = Math.floor(x / b)
      let right = x - left * b
      for (let round = 0; round < ROUNDS; round += 2) {
        left += hash(keys[round] ?? 0, right) % a
        if (left >= a) left -= a
        right += hash(keys[round + 1] ?? 0, left) % b
        if (right >= b) right -= b
      }
      x = left * b + right
    } while (x >= n)
    return x
  }
}
