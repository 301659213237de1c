import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  boundsOf,
  gainOf,
  gainOfCore,
  type Load,
  type Stretch,
} from '../../../src/run/tune/model.ts'
import { bestOf, Search } from '../../../src/run/tune/search.ts'

const load = fc
  .record({
    unit: fc.constantFrom('calls' as const, 'workers' as const),
    lanes: fc.integer({ min: 1, max: 64 }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    serviceMs: fc.double({ min: 0.01, max: 1000, noNaN: true }),
  })
  .map(({ share, ...rest }) => ({ ...rest, occupied: share * rest.lanes }))

const stretch: fc.Arbitrary<Stretch> = fc
  .record({
    loads: fc.array(load, { minLength: 1, maxLength: 4 }),
    thread: fc.double({ min: 0, max: 1, noNaN: true }),
    readerWaits: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ loads, ...rest }) => ({
    ...rest,
    loads: loads.map((each, k) => ({ ...each, stage: `stage#${k}` })),
  }))

const cores = fc.integer({ min: 1, max: 64 })

test('more lanes never make a pipeline slower, and the same ones change nothing', () => {
  fc.assert(
    fc.property(stretch, cores, fc.nat(3), fc.integer({ min: 0, max: 64 }), (was, n, k, more) => {
      const chosen = was.loads[k % was.loads.length]
      const lanes = (one: Load): number => one.lanes + (one === chosen ? more : 0)
      expect(gainOf(was, n, lanes)).toBeGreaterThanOrEqual(1)
      expect(gainOf(was, n, (one) => one.lanes)).toBe(1)
    }),
  )
})

test('no number of lanes takes it over what other bounds allow', () => {
  fc.assert(
    fc.property(stretch, cores, (was, n) => {
      const [first] = boundsOf(was, n)
      const others = boundsOf(was, n).filter(({ what }) => what !== 'lanes')
      const gain = gainOf(was, n, () => 1e9)
      const most = Math.min(...others.map(({ headroom }) => headroom)) / (first?.headroom ?? 1)
      if (Number.isFinite(most)) expect(gain).toBeLessThanOrEqual(most * (1 + 1e-9))
    }),
  )
})

test('another core never hurts, and helps at most as much as it is', () => {
  fc.assert(
    fc.property(stretch, cores, (was, n) => {
      const gain = gainOfCore(was, n)
      const workers = was.loads.filter(({ unit }) => unit === 'workers')
      expect(gain === undefined).toBe(workers.length === 0)
      if (gain === undefined) return
      expect(gain).toBeGreaterThanOrEqual(1)
      expect(gain).toBeLessThanOrEqual(2 + 1e-9)
    }),
  )
})

/** Rates of Gunther's universal scalability law: contention `a`, coherence `b`. */
const lawOf =
  (a: number, b: number) =>
  (n: number): number =>
    n / (1 + a * (n - 1) + b * n * (n - 1))

test('a search finds what is nearly the best, in few steps', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.double({ min: 0, max: 0.1, noNaN: true }),
      fc.integer({ min: 1, max: 256 }),
      fc.integer({ min: 1, max: 256 }),
      (a, b, most, start) => {
        const rate = lawOf(a, b)
        const search = new Search()
        let value = Math.min(start, most)
        let steps = 0
        for (;;) {
          const here = { now: 0, least: 1, most, wanted: Infinity }
          const to = search.next(value, rate(value), here)
          if (to === undefined) break
          expect(to).toBeGreaterThanOrEqual(1)
          expect(to).toBeLessThanOrEqual(most)
          const kept = search.judge(to, rate(to))
          expect(rate(kept)).toBeGreaterThanOrEqual(0.97 * rate(value))
          value = kept
          expect(++steps).toBeLessThan(24)
        }
        const all = Array.from({ length: most }, (_, k) => rate(k + 1))
        expect(rate(value)).toBeGreaterThanOrEqual(0.94 * Math.max(...all))
      },
    ),
    { numRuns: 500 },
  )
})

test('of rates that are the same the least value is the best', () => {
  expect(
    bestOf(
      new Map([
        [8, 100],
        [16, 102],
        [4, 60],
      ]),
    ),
  ).toBe(8)
})
