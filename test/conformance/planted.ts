/**
 * Random plans against sources with a bug planted in them. `mutants.test.ts` bundles this file with the bug and runs it
 * in a process of its own, which may hang or die: it ends with 1 and the failed property on stdout when the bug is
 * caught, with 0 when not.
 */
import * as fc from 'fast-check'
import { removeTestFolders } from '../folder.ts'
import { nameOf, plans } from './plans.ts'
import { equalsItsModel, places, resumesAfterwards, resumesAnywhere } from './properties.ts'

const [among = '', numRuns = ''] = process.argv.slice(2)
const wanted = new RegExp(among)

process.on('exit', removeTestFolders)

// No time for the smallest case: what was planted only has to be caught.
const report = await fc.check(
  fc.asyncProperty(
    plans.filter((plan) => wanted.test(nameOf(plan))),
    places,
    async (plan, at) => {
      await equalsItsModel(plan)
      await resumesAnywhere(plan)
      await resumesAfterwards(plan, at)
    },
  ),
  { numRuns: Number(numRuns), seed: 1, endOnFailure: true },
)
console.log(await fc.asyncDefaultReportMessage(report))
process.exit(report.failed ? 1 : 0)
