/** Placement changes no result: random pipelines with their stages in every place. */
import * as fc from 'fast-check'
import { deepStrictEqual } from 'node:assert/strict'
import { checkResume, firstOf } from 'millstream/testing'
import { inline, type Place } from 'millstream'
import { test } from 'vitest'
import type { WorkPool } from '../../src/stream/pool.ts'
import { built } from '../place/built.ts'
import { drawn, picky, plus, sums } from './placed-stages.js'
import { build, nameOf, type Plan, type Step, stepKinds } from './plans.ts'

const runs = Number(process.env['MILLSTREAM_PLACED_PLANS'] ?? 8)
const seed = Number(process.env['MILLSTREAM_SEED'] ?? 20261124)
const LIMIT = 50

const pools = new Map<unknown, Promise<WorkPool>>()

/** Workers that outlive their runs: starting some for each of hundreds would take minutes. */
function kept(place: Place): Place {
  const { signal } = new AbortController()
  return {
    name: place.name,
    open: async (stage, _signal, how) => {
      const key = `${place.name} ${stage.birth.ordinal} ${how?.replaces}`
      const pool = pools.get(key) ?? place.open(stage, signal, how)
      pools.set(key, pool)
      const { width } = await pool
      return { width, run: async (job) => (await pool).run(job), close: async () => undefined }
    },
  }
}

async function closeKept(): Promise<void> {
  for (const pool of pools.values()) await (await pool).close()
  pools.clear()
}

const placedSteps: readonly ((place: Place) => Step)[] = [
  (place) => ({ name: 'plus', apply: (ds) => ds.map(plus.on(place)) }),
  (place) => ({ name: 'drawn', apply: (ds) => ds.map(drawn.on(place)) }),
  (place) => ({ name: 'picky', apply: (ds) => ds.map(picky.on(place), { onError: 'skip' }) }),
  (place) => ({
    name: 'picky, ignoreErrors',
    apply: (ds) => ds.map(picky.on(place)).ignoreErrors(),
  }),
  (place) => ({ name: 'calls', apply: (ds) => ds.map(drawn.on(place), { retry: 2 }) }),
  (place) => ({
    name: 'sums by batches',
    apply: (ds) =>
      ds
        .batch(3)
        .map((batch) => Float64Array.from(batch))
        .map(sums.on(place))
        .unbatch()
        .map(({ x }) => x),
  }),
]

const plainSteps = stepKinds(2, seed)
  .flat()
  .map((step) => () => step)

/** A pipeline that takes its place as a parameter. */
const placed = fc
  .record({
    count: fc.integer({ min: 5, max: 30 }),
    before: fc.array(fc.constantFrom(...plainSteps), { maxLength: 1 }),
    first: fc.constantFrom(...placedSteps),
    others: fc.array(fc.constantFrom(...placedSteps, ...plainSteps), { maxLength: 2 }),
    last: fc.constantFrom(...placedSteps),
  })
  .map(({ count, before, first, others, last }) => (place: Place): Plan => {
    const source = Array.from({ length: count }, (_, k) => k)
    const steps = [...before, first, ...others, last].map((step) => step(place))
    return { source, steps }
  })

const places = [kept(built.threads(2)), kept(built.processes(2))]

/** The same elements as inline, and resumes that lead to them. */
async function sameEverywhere(planOf: (place: Place) => Plan): Promise<void> {
  const read = (plan: Plan): Promise<readonly number[]> =>
    firstOf(build(plan).iterate({ epoch: 0 }), LIMIT)
  const whole = await read(planOf(inline))
  const plan = nameOf(planOf(inline))
  for (const place of places) {
    deepStrictEqual({ plan, got: await read(planOf(place)) }, { plan, got: whole }, place.name)
    await checkResume(build(planOf(place)), 12).catch((error: unknown) => {
      throw new Error(`${plan} on ${place.name}`, { cause: error })
    })
  }
}

test(
  `${runs} random pipelines give the same in every place, and resume there`,
  { timeout: 600_000 },
  async () => {
    try {
      await fc.assert(fc.asyncProperty(placed, sameEverywhere), { numRuns: runs, seed })
    } finally {
      await closeKept()
    }
  },
)
