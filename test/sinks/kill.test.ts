import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { command, start } from '../cli/command.ts'
import { Hold } from '../cli/hold.ts'
import { testFolder } from '../folder.ts'
import { isGrowing, killed, KILLS, until } from './chaos.ts'

const LENGTH = '12000'

test.each(['jsonl', 'csv'])(
  'kill -9 at random moments: the %s file is byte for byte that of an uncut run',
  async (format) => {
    const folder = testFolder()
    const whole = join(folder, `whole.${format}`)
    const cut = join(folder, 'cut', `out.${format}`)
    const hold = new Hold(join(folder, 'hold'))
    const args = (path: string): string[] => [
      'written.ts',
      '--state',
      `${path}.state`,
      '--',
      path,
      `${10_000 * KILLS}`,
      hold.path,
    ]
    expect((await command('run', ...args(whole))).code).toBe(0)
    const end = await killed(args(cut), {
      seed: 7,
      hold,
      working: isGrowing(join(folder, 'cut')),
    })
    expect(end.code).toBe(0)
    expect(end.kills).toBe(KILLS)
    expect(end.resumedAt.length).toBeGreaterThan(0)
    expect(end.resumedAt).toEqual(end.resumedAt.toSorted((a, b) => a - b))
    expect(readFileSync(cut).equals(readFileSync(whole))).toBe(true)
    expect(readdirSync(join(folder, 'cut')).filter((name) => name.endsWith('.part'))).toEqual([])
  },
  300_000,
)

test('a file has its name only when it is complete', async () => {
  const path = join(testFolder(), 'out.jsonl')
  const { child, ended } = start(
    'run',
    'written.ts',
    '--state',
    `${path}.state`,
    '--',
    path,
    LENGTH,
  )
  const growing = isGrowing(join(path, '..'))
  await until(ended, growing)
  expect(existsSync(path)).toBe(false)
  child.kill('SIGKILL')
  await ended
  expect(existsSync(path)).toBe(false)
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s stops cleanly, exit %i, and the next run goes on there', async (signal, code) => {
  const path = join(testFolder(), 'out.jsonl')
  const args = ['run', 'written.ts', '--state', `${path}.state`, '--', path, LENGTH]
  const { child, ended } = start(...args)
  const growing = isGrowing(join(path, '..'))
  await until(ended, growing)
  child.kill(signal)
  const stopped = await ended
  expect(stopped.code).toBe(code)
  const [, at] = /stopped at (\d+); run it again/.exec(stopped.stderr) ?? []
  expect(Number(at)).toBeGreaterThan(0)
  const rest = await command(...args)
  expect(rest.code).toBe(0)
  expect(rest.stderr).toContain(`resumed at ${at}\n`)
  const ids = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect(new Set(ids).size).toBe(Number(LENGTH))
})

test('a second run at the same time is refused with 75 and the process that holds it', async () => {
  const path = join(testFolder(), 'out.jsonl')
  const args = ['run', 'written.ts', '--state', `${path}.state`, '--', path, '10000000']
  const { child, ended } = start(...args)
  const growing = isGrowing(join(path, '..'))
  await until(ended, growing)
  child.kill('SIGSTOP') // or it may be done before the second one has started
  const second = await command(...args)
  expect(second.code).toBe(75)
  expect(second.stderr).toMatch(new RegExp(`^MILLSTREAM_LOCKED: .*process ${child.pid}, since`))
  child.kill('SIGKILL')
  await ended
  // A dead process holds nothing.
  const third = await command('run', 'written.ts', '--max-time', '50ms', ...args.slice(2))
  expect(third.stderr).toContain('MILLSTREAM_OUT_OF_TIME')
})

test('--max-time stops with 75; run again, it goes on; done, it does nothing', async () => {
  const path = join(testFolder(), 'out.jsonl')
  const args = (...flags: string[]): string[] => [
    'run',
    'written.ts',
    '--state',
    `${path}.state`,
    ...flags,
    '--',
    path,
    LENGTH,
  ]
  const timed = await command(...args('--max-time', '50ms'))
  expect(timed.code).toBe(75)
  expect(timed.stderr).toContain('MILLSTREAM_OUT_OF_TIME: the time of this run (50ms) is over')
  expect((await command(...args())).code).toBe(0)
  const again = await command(...args())
  expect([again.code, again.stderr]).toEqual([
    0,
    `already done: ${LENGTH} elements in jsonl(${path}); --restart runs it anew\n`,
  ])
  const anew = await command(...args('--restart'))
  expect(anew.stderr).toContain(`${LENGTH} elements in jsonl`)
})
