import * as fc from 'fast-check'
import { checkResume, firstOf } from 'millstream/testing'
import { expect, test } from 'vitest'
import { build, modelOf, nameOf, plans } from './plans.ts'

const runs = Number(process.env['MILLSTREAM_PLANS'] ?? 500)
// The same plans in every run, so that a red run is about the change; other seeds explore.
const seed = { seed: Number(process.env['MILLSTREAM_SEED'] ?? 20261124) }
const LIMIT = 50
// A planted bug only has to be caught: no time for the smallest case.
const planted = process.env['MILLSTREAM_MUTANT'] !== undefined

const shapes = [
  {},
  { chunk: 1, optimize: false },
  { chunk: 3, codegen: false },
  { codegen: false, optimize: false },
]

test(
  `${runs} random pipelines equal their plain-array models in every shape`,
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const expected = modelOf(plan)
        const outputs = await Promise.all(
          shapes.map((shape) => firstOf(build(plan).iterate({ ...shape, epoch: 0 }), LIMIT)),
        )
        const wanted = expected?.slice(0, LIMIT) ?? outputs[0]
        expect({ plan: nameOf(plan), outputs }).toEqual({
          plan: nameOf(plan),
          outputs: shapes.map(() => wanted),
        })
      }),
      { numRuns: runs, endOnFailure: planted, ...seed },
    )
  },
)

test(
  `${runs} random pipelines resume at every element, and again`,
  { timeout: 600_000 },
  async () => {
    let [cuts, resumes, largest] = [0, 0, 0]
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const report = await checkResume(build(plan), LIMIT).catch((error: unknown) => {
          throw new Error(nameOf(plan), { cause: error })
        })
        cuts += report.cuts
        resumes += report.resumes
        largest = Math.max(largest, report.largest)
      }),
      { numRuns: runs, endOnFailure: planted, ...seed },
    )
    console.log(`${cuts} cuts, ${resumes} resumed runs, largest checkpoint ${largest} bytes`)
    expect(resumes).toBeGreaterThan(runs)
  },
)

test(
  'a checkpoint taken after the loop was left is as good as one before',
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat({ max: 20 }), async (plan, at) => {
        const whole = await firstOf(build(plan).iterate({ epoch: 0 }), LIMIT)
        const ds = build(plan)
        const run = ds.iterate({ epoch: 0, chunk: 3 })
        const before = await firstOf(run, Math.min(at, whole.length))
        const rest = await firstOf(ds.resume(run.checkpoint()), LIMIT - before.length)
        expect({ plan: nameOf(plan), got: [...before, ...rest] }).toEqual({
          plan: nameOf(plan),
          got: whole,
        })
      }),
      { numRuns: runs, endOnFailure: planted, ...seed },
    )
  },
)
