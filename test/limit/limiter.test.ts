import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashUnit } from '../../src/stream/random.ts'
import { simulate, type Simulation, usual } from './simulate.ts'

const declared = { declared: usual.quota }
const wide = (i: number): number => 200 + 20_000 * hashUnit(7, i) ** 4

/** What is wanted of a case: at least this share of the quota, at most this share refused. */
interface Row {
  readonly name: string
  readonly with: Partial<Simulation>
  readonly share: number
  readonly refused: number
}

const rows: readonly Row[] = [
  { name: 'declared', with: declared, share: 0.99, refused: 0 },
  { name: 'undeclared', with: {}, share: 0.97, refused: 0.015 },
  {
    name: 'undeclared, exact Retry-After',
    with: { retryAfter: 'exact' },
    share: 0.96,
    refused: 0.015,
  },
  { name: 'undeclared, no Retry-After', with: { retryAfter: 'none' }, share: 0.97, refused: 0.015 },
  { name: 'undeclared, meter named', with: { saysMeter: true }, share: 0.97, refused: 0.015 },
  {
    name: 'declared five times too high',
    with: { declared: { tokens: 5e6 } },
    share: 0.97,
    refused: 0.015,
  },
  { name: 'a bucket of two seconds', with: { burst: 2000 }, share: 0.96, refused: 0.015 },
  { name: 'a bucket of a minute', with: { burst: 60_000 }, share: 0.96, refused: 0.02 },
  {
    name: 'quota halved midway',
    with: { change: { at: 6e5, quota: { tokens: 5e5 } } },
    share: 0.97,
    refused: 0.02,
  },
  {
    name: 'declared, halved midway',
    with: { ...declared, change: { at: 6e5, quota: { tokens: 5e5 } } },
    share: 0.97,
    refused: 0.015,
  },
  {
    name: 'quota doubled midway',
    with: { change: { at: 6e5, quota: { tokens: 2e6 } } },
    share: 0.88,
    refused: 0.015,
  },
  { name: 'requests are limited', with: { quota: { requests: 300 } }, share: 0.97, refused: 0.015 },
  {
    name: 'requests are limited, costs unknown',
    with: { quota: { requests: 300 }, tellsCost: false },
    share: 0.97,
    refused: 0.015,
  },
  {
    name: 'both are limited',
    with: { quota: { requests: 200, tokens: 1e6 } },
    share: 0.97,
    refused: 0.015,
  },
  { name: 'costs that differ by a hundred', with: { cost: wide }, share: 0.97, refused: 0.015 },
  {
    name: 'the same, requests are limited',
    with: { cost: wide, quota: { requests: 300 } },
    share: 0.96,
    refused: 0.015,
  },
  { name: 'equal costs', with: { cost: () => 5000 }, share: 0.97, refused: 0.015 },
  {
    name: 'answers in 5 to 20 ms',
    with: { latency: [5, 20], network: 2 },
    share: 0.97,
    refused: 0.015,
  },
  {
    name: 'answers in 10 to 30 s',
    with: { latency: [10_000, 30_000] },
    share: 0.85,
    refused: 0.01,
  },
  {
    name: 'tiny: 20 a minute',
    with: { calls: 500, quota: { requests: 20 } },
    share: 0.9,
    refused: 0.12,
  },
  {
    name: 'large: 1000 a second',
    with: { calls: 200_000, quota: { requests: 60_000 } },
    share: 0.95,
    refused: 0.01,
  },
  { name: 'two processes', with: { clients: 2 }, share: 0.85, refused: 0.02 },
  {
    name: 'two processes, declared',
    with: { clients: 2, ...declared },
    share: 0.85,
    refused: 0.02,
  },
]

describe('half an hour of calls in virtual time', () => {
  test.each(rows)('$name', ({ with: overrides, share, refused }) => {
    for (const seed of [1, 2]) {
      const report = simulate({ ...overrides, seed })
      expect(report.done).toBe(overrides.calls ?? usual.calls)
      expect(report.share).toBeGreaterThanOrEqual(share)
      expect(report.refused).toBeLessThanOrEqual(refused)
      expect(report.violations).toBe(0)
    }
  })

  test.each([{}, declared])('a minute of 503 costs a few calls, no element: %o', (overrides) => {
    const report = simulate({ ...overrides, down: { at: 3e5, time: 60_000 } })
    expect(report.done).toBe(usual.calls)
    expect(report.failures).toBeLessThan(40)
    // A minute of thirty was lost to everybody.
    expect(report.share).toBeGreaterThan(0.93)
  })
})

test('any quota, cost, latency and bucket: nothing lost, nobody called when it was forbidden', () => {
  const simulation = fc.record({
    requests: fc.option(fc.integer({ min: 60, max: 20_000 }), { nil: undefined }),
    tokens: fc.option(fc.integer({ min: 100_000, max: 50_000_000 }), { nil: undefined }),
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    latency: fc.tuple(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 0, max: 4000 })),
    burst: fc.integer({ min: 2000, max: 60_000 }),
    tellsCost: fc.boolean(),
    saysMeter: fc.boolean(),
    retryAfter: fc.constantFrom('exact' as const, 'seconds' as const, 'none' as const),
    seed: fc.integer({ min: 0, max: 1000 }),
  })
  fc.assert(
    fc.property(simulation, ({ requests, tokens, spread, latency, ...rest }) => {
      const report = simulate({
        ...rest,
        calls: 2000,
        quota: { ...(requests && { requests }), ...(tokens && { tokens }) },
        cost: (i) => 1000 + 1000 * spread * hashUnit(rest.seed, i),
        latency: [latency[0], latency[0] + latency[1]],
      })
      expect(report.done).toBe(2000)
      expect(report.violations).toBe(0)
      // Most of it at the start: what is under way when the first refusal comes is refused too.
      expect(report.refused).toBeLessThan(0.25)
    }),
    { numRuns: 40, seed: 20261124 },
  )
})
