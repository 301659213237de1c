import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BufferSize, type Seen } from '../../../src/run/tune/buffer.ts'

/** Sizes over so many stretches, of a buffer that is seen so. */
function sizesOf(seen: (size: number) => Seen, most = 1024, stretches = 200): number[] {
  const buffer = new BufferSize()
  let size = 2
  return Array.from({ length: stretches }, () => (size = buffer.next(size, seen(size), most)))
}

test('a buffer that is never full, or never empty, stays as it is', () => {
  const slowFill = sizesOf(() => ({ taken: 20, empty: 20, full: 0 }))
  const slowReader = sizesOf(() => ({ taken: 20, empty: 0, full: 20 }))
  expect(new Set([...slowFill, ...slowReader])).toEqual(new Set([2]))
})

test('one that is empty at times and full at others grows until it is seldom empty, in 2 of 100 takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), (k) => {
      const needed = 2 ** k
      const sizes = sizesOf((size) => ({
        taken: 20,
        empty: size < needed ? 20 / size : 0,
        full: 3,
      }))
      expect(sizes.at(-1)).toBe(Math.max(2, needed))
    }),
  )
})

test('growth that did not help is taken back, and never passes the bound', () => {
  const sizes = sizesOf(() => ({ taken: 20, empty: 10, full: 10 }), 8)
  expect(Math.max(...sizes)).toBe(4)
  expect(sizes.filter((size) => size === 2).length).toBeGreaterThan(180)
  const few = sizesOf((size) => ({ taken: 20, empty: 20 / size, full: 1 }), 8)
  expect(Math.max(...few)).toBe(8)
})
