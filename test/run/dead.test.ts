import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeApi } from 'millstream/testing'
import { afterEach, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { command, start } from '../cli/command.ts'

const poison = new Set([17, 400, 999])

interface Doc {
  readonly id: string
  readonly n: number
}

let api: Awaited<ReturnType<typeof fakeApi<Doc>>>

afterEach(() => api.close())

async function world() {
  const folder = testFolder()
  const broken = { now: true }
  api = await fakeApi<Doc>({
    latency: 1,
    poison: ({ n }) => broken.now && poison.has(n),
  })
  const path = join(folder, 'out.jsonl')
  const state = join(folder, 'state')
  const args = (...more: string[]): string[] => [
    'poison.ts',
    '--state',
    state,
    '--',
    api.url,
    path,
    ...more,
  ]
  const written = (): Doc[] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Doc)
  return { broken, path, state, args, written, folder }
}

test('3 poison elements of 1,000: 997 written, listed with their cause, and exactly they are called again', async () => {
  const { broken, state, args, written, folder } = await world()
  const run = await command('run', ...args())
  expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('3 dead letters')])
  expect(run.stderr).toContain(`millstream dead list poison.ts --state ${state}`)
  expect(written()).toHaveLength(997)
  expect(api.stats.calls).toBe(1000)

  const list = await command('dead', 'list', '--state', state)
  expect(list.code).toBe(0)
  const lines = list.stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(6)
  expect(lines[0]).toMatch(/^1 {2}doc-17 {2}mapAsync#1 \(.*poison\.ts:\d+.*\) {2}1 attempt /)
  expect(lines[1]).toMatch(/HttpError: .*400/)
  const shown = await command('dead', 'show', '2', '--state', state)
  expect(shown.stdout).toMatch(/element {3}400\n[^]*HttpError[^]*id: 'doc-400', n: 400/)

  // Not mended: they stay, and nothing is written.
  const vain = await command('dead', 'retry', ...args())
  expect([vain.code, vain.stderr]).toEqual([0, expect.stringContaining('3 dead letters left')])
  expect(written()).toHaveLength(997)
  expect(api.stats.calls).toBe(1003)
  const again = await command('dead', 'list', '--state', state)
  expect(again.stdout).toContain('doc-17  mapAsync#1')
  expect(again.stdout).toContain('2 attempts')

  broken.now = false
  const mended = await command('dead', 'retry', ...args())
  expect([mended.code, mended.stderr]).toEqual([
    0,
    expect.stringMatching(
      /^3 dead letters tried again: 3 elements more in .*, 0 dead letters left/,
    ),
  ])
  expect(api.stats.calls).toBe(1006)
  expect(
    written()
      .slice(-3)
      .map(({ n }) => n),
  ).toEqual([...poison])
  expect((await command('dead', 'list', '--state', state)).stdout).toBe('no dead letters\n')
  const done = await command('run', ...args())
  expect(done.stderr).toContain('already done: 1000 elements')
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
}, 300_000)

test('the same under fail: exit 1, with stage, element and cause', async () => {
  const { args, state } = await world()
  const run = await command('run', ...args('fail'))
  expect(run.code).toBe(1)
  expect(run.stderr).toMatch(/MILLSTREAM_STAGE_FAILED: mapAsync#1 .* failed on element 17: .*400/)
  expect((await command('dead', 'list', '--state', state)).stdout).toBe('no dead letters\n')
})

test('killed at random moments, no dead letter is lost, and none is there twice', async () => {
  const folder = testFolder()
  api = await fakeApi<Doc>({ latency: 2, poison: ({ n }) => n % 10 === 3 })
  const state = join(folder, 'state')
  const path = join(folder, 'out.csv')
  const args = ['poison.ts', '--state', state, '--', api.url, path, 'deadLetter', '2000']
  for (let kill = 1; kill <= 3; kill++) {
    const { child, ended } = start('run', ...args)
    while (api.stats.calls < kill * 450) await new Promise((resolve) => setTimeout(resolve, 2))
    child.kill('SIGKILL')
    await ended
  }
  const run = await command('run', ...args)
  expect([run.code, run.stderr]).toEqual([0, expect.stringMatching(/resumed at \d+[^]*200 dead/)])
  const list = await command('dead', 'list', '--json', '--state', state)
  const letters = list.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { element: Doc }).element.n)
  expect(letters).toEqual(Array.from({ length: 200 }, (_, k) => k * 10 + 3))
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(1801)
}, 300_000)
