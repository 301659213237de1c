import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('docs/operators.md is what the operator table says', () => {
  const check = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/operators-doc.ts', '--check'],
    { encoding: 'utf8' },
  )
  expect(check.stderr).not.toContain('stale')
  expect(check.status).toBe(0)
})
