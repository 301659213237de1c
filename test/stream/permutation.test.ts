import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { network, permutation } from '../../src/stream/permutation.ts'

/** True when `order` takes each of 0 .. n-1 to another one. */
function isBijection(order: (i: number) => number, n: number): boolean {
  const seen = new Uint8Array(n)
  for (let i = 0; i < n; i++) {
    const x = order(i)
    if (!Number.isInteger(x) || x < 0 || x >= n || seen[x] === 1) return false
    seen[x] = 1
  }
  return true
}

test('both algorithms are bijections for every n up to 2,000', () => {
  for (let n = 1; n <= 2000; n++) {
    expect([n, isBijection(network(n * 31, n), n)]).toEqual([n, true])
    expect([n, isBijection(permutation(n * 31, n), n)]).toEqual([n, true])
  }
})

test('the network is one around its limits, for random sizes and keys', () => {
  const sizes = fc.oneof(
    fc.integer({ min: 2000, max: 200_000 }),
    fc.constantFrom(65_535, 65_536, 65_537, 1 << 17, 255 * 255, 255 * 256, 317 * 317 + 1),
  )
  fc.assert(
    fc.property(sizes, fc.integer(), (n, key) => isBijection(permutation(key, n), n)),
    { numRuns: 30, seed: 7 },
  )
})

test('huge sizes stay in range, without doubles', () => {
  for (const n of [2 ** 31, 2 ** 32 + 1, 1e12, 2 ** 50]) {
    const order = permutation(3, n)
    const seen = new Set(Array.from({ length: 2000 }, (_, i) => order(i * 1000)))
    expect(seen.size).toBe(2000)
    for (const x of seen) expect(x >= 0 && x < n && Number.isInteger(x)).toBe(true)
  }
})

/** Chi-square over equally likely cells, as a deviation in standard deviations of its distribution. */
function deviation(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length
  const chi = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
  const df = counts.length - 1
  return (chi - df) / Math.sqrt(2 * df)
}

test('all orders of four elements come equally often', () => {
  const counts = new Map<string, number>()
  for (let key = 0; key < 24_000; key++) {
    const order = [0, 1, 2, 3].map(permutation(key, 4)).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  expect(counts.size).toBe(24)
  expect(Math.abs(deviation([...counts.values()]))).toBeLessThan(4)
})

test.each([
  ['table', 50_000],
  ['network', 100_000],
])('%s: places and values, neighbours and keys are independent', (_, n) => {
  const cells = 10
  const cell = (x: number): number => Math.floor((x / n) * cells)
  const [placeValue, neighbours, keys] = [0, 0, 0].map(() => Array<number>(cells * cells).fill(0))
  const count = (table: number[] | undefined, a: number, b: number): void => {
    if (table) table[cell(a) * cells + cell(b)]! += 1
  }
  const [order, other] = [permutation(11, n), permutation(12, n)]
  for (let i = 0; i + 1 < n; i++) {
    count(placeValue, i, order(i))
    count(neighbours, order(i), order(i + 1))
    count(keys, order(i), other(i))
  }
  for (const table of [placeValue, neighbours, keys]) {
    expect(Math.abs(deviation(table ?? []))).toBeLessThan(5)
  }
})

test('keys that differ by one give unrelated orders', () => {
  const n = 1000
  const same = Array.from({ length: 200 }, (_, key) => {
    const [a, b] = [permutation(key, n), permutation(key + 1, n)]
    return Array.from({ length: n }, (__, i) => Number(a(i) === b(i))).reduce((x, y) => x + y, 0)
  })
  // One fixed point is expected of two random orders.
  const mean = same.reduce((a, b) => a + b, 0) / same.length
  expect(mean).toBeGreaterThan(0.7)
  expect(mean).toBeLessThan(1.3)
})
