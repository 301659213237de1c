import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { command, pipelines, start } from './command.ts'

const scratch = (): string => join(testFolder(), 'out.jsonl')
const events = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

// A run that was cut off may have left its state.
const forget = (): void => rmSync(join(pipelines, '.millstream'), { recursive: true, force: true })
beforeAll(forget)
afterAll(forget)

test('state is kept beside the file unless told otherwise', async () => {
  const path = scratch()
  const end = await command('run', 'written.ts', '--', path, '100')
  expect([end.code, end.stdout]).toEqual([0, ''])
  expect(end.stderr).toMatch(/^100 elements in jsonl\(.*out\.jsonl\), \d+\.\d s, \d+\/s$/m)
  expect(end.stderr).not.toContain('\u001B')
  expect(existsSync(join(pipelines, '.millstream', 'written', 'state.json'))).toBe(true)
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(100)
  // Another output is another pipeline.
  const other = await command('run', 'written.ts', '--', `${path}2`, '100')
  expect(other.code).toBe(1)
  expect(other.stderr).toMatch(/^MILLSTREAM_CHECKPOINT_MISMATCH: .*--restart/m)
})

test('--dry prints rows and their schema, and writes nothing', async () => {
  const path = scratch()
  const end = await command('run', 'written.ts', '--take', '3', '--dry', '--', path, '100')
  expect(end.code).toBe(0)
  expect(events(end.stdout)).toHaveLength(3)
  expect(end.stderr).toContain('schema: { id: number; text: string; half: number }\n')
  expect(end.stderr).toMatch(/3 of 100 rows in .*; nothing written to jsonl\(.*out\.jsonl\)/)
  expect(existsSync(path)).toBe(false)
  expect(events((await command('run', 'squares.ts', '--dry')).stdout)).toHaveLength(5)
})

test('--json tells what happens, a line of JSON each', async () => {
  const path = scratch()
  const args = ['run', 'written.ts', '--json', '--state', `${path}.state`, '--', path, '3000']
  const end = await command(...args)
  expect(end.code).toBe(0)
  const told = events(end.stderr)
  expect(told.filter(({ type }) => type === 'start' || type === 'end')).toHaveLength(2)
  expect(told.at(-1)).toMatchObject({ delivered: 3000, skipped: 0, deadLetters: 0, resumedAt: 0 })
  expect(events((await command(...args)).stderr)).toMatchObject([
    { type: 'end', delivered: 3000, alreadyDone: true },
  ])
})

test('secrets of the environment do not get out', async () => {
  const { code, stderr } = await command('run', 'leaks.ts', '--', scratch())
  expect(code).toBe(1)
  expect(stderr).toContain('MILLSTREAM_STAGE_FAILED')
  expect(stderr).toContain('401 for [LEAKY_API_KEY] at https://me:[password]@example.org')
  expect(stderr).not.toMatch(/sk-very|hunter22/)
})

test.each([
  [['run', 'written.ts', '--take', '3'], /--take of a pipeline with a sink needs --dry/],
  [['run', 'squares.ts', '--restart'], /--restart needs a pipeline with a sink/],
  [
    ['run', 'squares.ts', '--max-time', '1h', '--state', 'x'],
    /--state, --max-time needs a pipeline/,
  ],
  [['run', 'written.ts', '--max-time', 'soon'], /--max-time takes a time such as 90s, 15m or 2h/],
  [['explain', 'written.ts', '--max-time', '1h'], /--max-time belong to run/],
])('%j is a usage error', async (args, message) => {
  const { code, stderr } = await command(...args)
  expect(stderr).toMatch(message)
  expect(code).toBe(2)
})

test('explain names the sink', async () => {
  const { code, stdout } = await command('explain', 'written.ts')
  expect(code).toBe(0)
  expect(stdout).toMatch(/shuffle[^]*written to: jsonl\(out\.jsonl\)\n$/)
})

test('dead retry stopped by Ctrl-C ends with 130, and dead list lets its reader leave', async () => {
  const path = scratch()
  const flags = ['--state', `${path}.state`]
  expect((await command('run', 'waits.ts', ...flags, '--', path)).code).toBe(0)
  const { child, ended, wrote } = start('dead', 'retry', 'waits.ts', ...flags, '--', path, 'wait')
  await wrote('began')
  child.kill('SIGINT')
  const { code, stderr } = await ended
  expect([code, stderr]).toEqual([130, 'stopping; Ctrl-C again ends it at once\n'])
  const list = start('dead', 'list', ...flags)
  list.child.stdout.destroy()
  expect(await list.ended).toMatchObject({ code: 0, stderr: '' })
  expect((await command('dead', 'list', ...flags)).stdout.trimEnd().split('\n')).toHaveLength(6)
})

test('a budget stops the run with 3; the next one goes on, and what is kept costs nothing', async () => {
  const path = scratch()
  const run = ['run', 'budgeted.ts', '--state', `${path}.state`, '--', path, `${path}.cache`]
  const first = await command(...run)
  expect(first.code).toBe(3)
  expect(first.stderr).toMatch(/^MILLSTREAM_BUDGET: .*1 of 1 usd spent/m)
  expect(first.stderr).toContain('stopped at 10; run it again to go on there')
  const second = await command(...run)
  expect(second.code).toBe(0)
  expect(second.stderr).toContain('resumed at 10')
  expect(second.stderr).toMatch(/30 elements in .*, 10 cached, 1 usd, 10 requests$/m)
  const ids = events(readFileSync(path, 'utf8')).map(({ id }) => id)
  expect(ids).toEqual(Array.from({ length: 30 }, (_, k) => k % 20))
})
