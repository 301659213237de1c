import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { plans } from './plans.ts'
import { equalsItsModel, places, resumesAfterwards, resumesAnywhere } from './properties.ts'

const runs = Number(process.env['MILLSTREAM_PLANS'] ?? 500)
// The same plans in every run, so that a red run is about the change; other seeds explore.
const options = { numRuns: runs, seed: Number(process.env['MILLSTREAM_SEED'] ?? 20261124) }

test(
  `${runs} random pipelines equal their plain-array models in every shape`,
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, (plan) => equalsItsModel(plan)),
      options,
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
        const report = await resumesAnywhere(plan)
        cuts += report.cuts
        resumes += report.resumes
        largest = Math.max(largest, report.largest)
      }),
      options,
    )
    console.log(`${cuts} cuts, ${resumes} resumed runs, largest checkpoint ${largest} bytes`)
    expect(resumes).toBeGreaterThan(runs)
  },
)

test(
  'a checkpoint taken after the loop was left is as good as one before',
  { timeout: 600_000 },
  async () => {
    await fc.assert(fc.asyncProperty(plans, places, resumesAfterwards), options)
  },
)
