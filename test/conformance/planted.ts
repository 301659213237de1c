/**
 * Random plans against sources with a bug planted in them. `mutants.test.ts` bundles this file with the bug and runs it
 * in a process of its own, which may hang or die: it ends with 1 and the failed property on stdout when the bug is
 * caught, with 0 when not.
 */
import * as fc from 'fast-check'
import { removeTestFolders } from '../folder.ts'
import { nameOf, type Plan, plans } from './plans.ts'
import { equalsItsModel, places, resumesAfterwards, resumesAnywhere } from './properties.ts'
import { losesNothing, unorderedPlans } from './unordered-plans.ts'

const [among = '', numRuns = '', order = ''] = process.argv.slice(2)
const wanted = new RegExp(among)

process.on('exit', removeTestFolders)

const isWanted = (plan: Plan): boolean => wanted.test(nameOf(plan))

// No time for the smallest case: what was planted only has to be caught.
const settings = { numRuns: Number(numRuns), seed: 1, endOnFailure: true }
const report =
  order === 'unordered'
    ? await textOf(
        fc.asyncProperty(unorderedPlans.filter(isWanted), async (plan) => {
          await losesNothing(plan)
        }),
      )
    : await textOf(
        fc.asyncProperty(plans.filter(isWanted), places, async (plan, at) => {
          await equalsItsModel(plan)
          await resumesAnywhere(plan)
          await resumesAfterwards(plan, at)
        }),
      )
console.log(report)
process.exit(report === undefined ? 0 : 1)

/** Undefined when the property held. */
async function textOf<P>(property: fc.IAsyncProperty<P>): Promise<string | undefined> {
  return fc.asyncDefaultReportMessage(await fc.check(property, settings))
}
