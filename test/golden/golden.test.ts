import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

function golden(...args: string[]): { status: number | null; out: string; err: string } {
  const command = ['--import', 'tsx', 'test/golden/run.ts', ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root })
  return { status, out: stdout.toString(), err: stderr.toString() }
}

test('pipelines and learning do what their peers do', { timeout: 180_000 }, () => {
  const { status, out } = golden('test/golden/data')
  const last = out.trimEnd().split('\n').at(-1) ?? ''
  const [, passed, failed, skipped] =
    /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(last)?.map(Number) ?? []
  expect(failed, out).toBe(0)
  expect(status).toBe(0)
  expect(passed).toBeGreaterThan(100)
  console.log(`golden: ${passed} passed, ${skipped} skipped`)
})

test('wrong usage is told, with exit code 2', () => {
  for (const args of [[], ['test/no-such-folder'], ['test/golden/data', '--only', 'none']]) {
    const { status, err } = golden(...args)
    expect(status).toBe(2)
    expect(err).toContain('usage:')
  }
})
