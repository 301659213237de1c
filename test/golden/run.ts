/**
 * Runs golden cases: expectations that the libraries users come from computed.
 *
 *     npm run golden -- DIR [--only GROUP]
 *
 * Prints failing cases with what was expected and got, what was skipped and why, and last
 * `N passed, N failed, N skipped`. Exits with 1 on a failure, 2 on wrong usage.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { messageOf, UsageError } from '../../src/errors/index.ts'
import { CaseRunner } from './case-runner.ts'
import { type GoldenCase, type Group, loadGroups } from './cases.ts'
import { type Outcome, skipped } from './outcome.ts'

const usage = 'usage: npm run golden -- DIR [--only GROUP]'

/** Cases where the library means to differ, with the reason. */
const differences = JSON.parse(
  readFileSync(new URL('./known-differences.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>

class Tally {
  passed = 0
  failed = 0
  skipped = 0
  /** Ids of skipped cases by reason. */
  readonly reasons = new Map<string, string[]>()

  add({ group, id }: GoldenCase, outcome: Outcome): void {
    this[outcome.status]++
    if (outcome.status === 'failed') {
      console.log(
        `FAILED ${group}/${id}\n  expected ${outcome.expected}\n  got      ${outcome.got}`,
      )
    }
    if (outcome.status === 'skipped') {
      this.reasons.set(outcome.why, [...(this.reasons.get(outcome.why) ?? []), id])
    }
  }

  print(): void {
    for (const [why, ids] of this.reasons) {
      const named = ids.length > 12 ? `${ids.slice(0, 12).join(', ')}, ...` : ids.join(', ')
      console.log(`skipped ${ids.length}: ${why} (${named})`)
    }
    console.log(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`)
  }
}

async function runAll(groups: readonly Group[]): Promise<Tally> {
  const tally = new Tally()
  const runner = new CaseRunner()
  for (const golden of groups.flatMap(({ cases }) => cases)) {
    const reason = differences[golden.id]
    const known = reason === undefined ? undefined : skipped(`known difference: ${reason}`)
    tally.add(golden, known ?? (await runner.run(golden)))
  }
  runner.close()
  return tally
}

function parse(): readonly Group[] {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { only: { type: 'string' } },
    })
    const [dir] = positionals
    if (dir === undefined || positionals.length > 1) throw new UsageError('one folder is needed')
    return loadGroups(dir, values.only)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TypeError)) throw error
    console.error(`golden: ${messageOf(error)}\n${usage}`)
    return process.exit(2)
  }
}

const tally = await runAll(parse())
tally.print()
process.exitCode = tally.failed > 0 ? 1 : 0
