import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const mutants = JSON.parse(
  readFileSync(new URL('mutants.json', import.meta.url), 'utf8'),
) as readonly { readonly name: string }[]

const vitest = 'node_modules/vitest/vitest.mjs'

/** Runs the random plans with a planted bug; `MILLSTREAM_MUTANT` makes vitest.config.ts plant it. */
function runWith(name: string): { readonly failed: boolean; readonly output: string } {
  const run = spawnSync(
    process.execPath,
    [vitest, 'run', '--typecheck.enabled=false', 'test/conformance/plans.test.ts'],
    {
      env: {
        ...process.env,
        MILLSTREAM_MUTANT: name,
        MILLSTREAM_PLANS: '150',
        MILLSTREAM_SEED: '1',
        NO_COLOR: '1',
      },
      encoding: 'utf8',
    },
  )
  return { failed: run.status !== 0, output: run.stdout + run.stderr }
}

// Negative controls: a harness that catches nothing would look just as green.
test.each(mutants)('random plans catch: $name', { timeout: 120_000 }, ({ name }) => {
  const { failed, output } = runWith(name)
  expect(output).toMatch(/Property failed|AssertionError|Error:/)
  expect(output).not.toContain('nothing to change')
  expect(failed).toBe(true)
})
