import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('docs/figures.md is what the results give', () => {
  const check = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/figures.ts', '--check'], {
    encoding: 'utf8',
  })
  expect(check.stderr).not.toContain('stale')
  expect(check.status, check.stderr).toBe(0)
})
