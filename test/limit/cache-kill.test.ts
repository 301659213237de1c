import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fakeApi } from 'millstream/testing'
import { expect, test } from 'vitest'

const fixture = fileURLToPath(new URL('fixtures/cached-calls.ts', import.meta.url))
const COUNT = 400
const LANES = 8

test('killed again and again, a run with a cache makes each call once, but for those under way', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'cache-kill-'))
  await using api = await fakeApi({
    latency: [2, 10],
    answer: (x: number) => ({ embedded: x * 3 }),
    faults: { error: 0.02 },
  })
  const start = (): ChildProcess =>
    spawn(process.execPath, ['--import', 'tsx', fixture, api.url, cache, String(COUNT)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  let kills = 0
  for (const served of [60, 130, 250, 333]) {
    const child = start()
    while (api.stats.served < served) await new Promise((resolve) => setTimeout(resolve, 3))
    child.kill('SIGKILL')
    await once(child, 'exit')
    kills++
  }
  const last = start()
  let output = ''
  last.stdout?.on('data', (data: Buffer) => (output += data.toString()))
  expect(await once(last, 'close')).toEqual([0, null])
  expect(output).toBe(`sum ${(3 * COUNT * (COUNT - 1)) / 2}\n`)
  expect(api.stats.served).toBeLessThanOrEqual(COUNT + kills * LANES)
  const before = api.stats.calls
  const again = start()
  expect(await once(again, 'close')).toEqual([0, null])
  expect(api.stats.calls).toBe(before)
  rmSync(cache, { recursive: true })
}, 120_000)
