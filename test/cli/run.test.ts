import { openSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { command, main, pipelines, start } from './command.ts'

const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)

test('a TypeScript file with stages on threads runs without a build step', async () => {
  const { code, stdout, stderr } = await command('run', 'squares.ts')
  expect(stderr).toMatch(/^5 elements in \d+\.\d s\n$/)
  expect(code).toBe(0)
  expect(lines(stdout)).toEqual([0, 1, 2, 3, 4].map((x) => ({ x, square: x * x, lucky: true })))
})

test('--take, --seed and --epoch', async () => {
  expect(lines((await command('run', 'squares.ts', '--take', '2')).stdout)).toHaveLength(2)
  const order = async (...flags: string[]): Promise<unknown[]> =>
    lines((await command('run', 'shuffled.ts', ...flags)).stdout)
  const [base, again, seed, epoch] = await Promise.all([
    order(),
    order('--seed', '0', '--epoch', '0'),
    order('--seed', '1'),
    order('--epoch=1'),
  ])
  expect(again).toEqual(base)
  expect(seed).not.toEqual(base)
  expect(epoch).not.toEqual(base)
  expect(new Set(seed)).toEqual(new Set(base))
})

test("an error of the user's function: what came before it, its stage, its stack, its cause; exit 1", async () => {
  const { code, stdout, stderr } = await command('run', 'fails.ts')
  expect(code).toBe(1)
  expect(lines(stdout)).toEqual([0, 1, 2])
  expect(stderr).toMatch(/^MILLSTREAM_STAGE_FAILED: .*failed on element 3: 3 is too much/)
  expect(stderr).toMatch(/at .*stages\.ts:\d+:\d+/)
  expect(stderr).toContain('Caused by: Error: a limit')
  expect(stderr).not.toContain('node:internal')
})

test('a worker that leaves ends the run with exit 1', async () => {
  const { code, stderr } = await command('run', 'fails.ts', '--', 'exit')
  expect(code).toBe(1)
  expect(stderr).toMatch(/MILLSTREAM_WORKER_DIED: thread 1 of stages\.ts#leaves died .*exit code 9/)
})

test('a function gets the arguments behind --', async () => {
  const { code, stdout, stderr } = await command(
    'run',
    'function.ts',
    '--take',
    '3',
    '--',
    'end',
    '--x',
  )
  expect(stdout).toBe('began with end --x\n')
  expect(stderr).toContain('--take had no effect')
  expect(code).toBe(0)
})

test('a module that throws at import exits with 1 and its stack', async () => {
  const { code, stderr } = await command('run', 'throws.ts')
  expect(code).toBe(1)
  expect(stderr).toMatch(/TypeError: at import[^]*throws\.ts:1/)
})

test('what a pipeline should be warned of is told once on stderr', async () => {
  const { code, stdout, stderr } = await command('run', 'mixed.ts')
  expect(stderr).toMatch(
    /^warning: shuffle#1 \(mixed\.ts:3\) mixes the epochs of repeat#1[^\n]+\[repeat-before-shuffle\]\n/,
  )
  expect(stderr.match(/warning/g)).toHaveLength(1)
  expect([code, lines(stdout).length]).toEqual([0, 12])
})

test('--json tells on stderr in lines of JSON', async () => {
  const { code, stderr } = await command('run', 'mixed.ts', '--json')
  const [warning, end] = lines(stderr) as readonly Record<string, unknown>[]
  expect(warning).toMatchObject({ type: 'warning', code: 'repeat-before-shuffle' })
  expect(end).toMatchObject({ type: 'end', elements: 12, skipped: 0, stopped: false })
  expect(end?.['stages']).toMatchObject([
    { stage: 'range#1', elements: 12 },
    { stage: 'repeat#1', elements: 12 },
    { stage: 'shuffle#1', operators: ['shuffle#1'], at: 'mixed.ts:3', elements: 12, lanes: 1 },
  ])
  expect(code).toBe(0)
})

test('--explain prints the plan and what was measured', async () => {
  const { code, stdout, stderr } = await command('run', 'squares.ts', '--explain')
  expect(stderr).toMatch(
    /^plan\n[^]*measured in [^]*mapAsync#1 +5 [^]* of 2 lanes\n[^]*5 elements in/,
  )
  expect([code, lines(stdout).length]).toEqual([0, 5])
})

test('explain prints the plan, and runs nothing', async () => {
  const { code, stdout, stderr } = await command('explain', 'squares.ts')
  expect(stdout).toMatch(/range[^]*stages\.ts#square[^]*threads\(2\)/)
  expect([code, stderr]).toEqual([0, ''])
})

test.each([
  [[], /which command/],
  [['rum', 'x.ts'], /no command rum/],
  [['run'], /run what/],
  [['run', 'nowhere.ts'], /no file nowhere\.ts/],
  [['run', '.'], /no file \./],
  [['run', 'stages.ts'], /has no default export/],
  [['run', 'number.ts'], /a value of type number/],
  [['run', 'squares.ts', 'more.ts'], /more\.ts is one argument too many/],
  [['run', 'squares.ts', '--speed', '3'], /--speed/],
  [['run', 'squares.ts', '--take', 'few'], /--take takes a whole number from 0, not few/],
  [['run', 'squares.ts', '--take', '-1'], /--take/],
  [['run', 'squares.ts', '--take=-1'], /--take takes a whole number from 0, not -1/],
  [['run', 'squares.ts', '--seed', '1.5'], /--seed takes a whole number, not 1\.5/],
  [['explain', 'squares.ts', '--seed', '1'], /belong to run/],
])('%j is a usage error: exit 2 and one clear line', async (args, message) => {
  const { code, stdout, stderr } = await command(...args)
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/^MILLSTREAM_USAGE: .*\nSee millstream --help\.\n$/)
  expect([code, stdout]).toEqual([2, ''])
})

test('--help and --version', async () => {
  expect((await command('--help')).stdout).toMatch(/^Usage: millstream run FILE/)
  expect((await command('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s stops a dataset cleanly: exit %i', async (signal, code) => {
  const { child, ended, wrote } = start('run', 'endless.ts')
  await wrote('\n')
  child.kill(signal)
  const end = await ended
  expect(end.code).toBe(code)
  expect(end.stderr).toMatch(/stopped after \d+ elements in \d+\.\d s\n$/)
  expect(lines(end.stdout)).toEqual(lines(end.stdout).map((_, i) => i))
})

test('Ctrl-C aborts the signal of a function, and waits for it', async () => {
  const { child, ended, wrote } = start('run', 'function.ts', '--', 'wait')
  await wrote('began with wait')
  child.kill('SIGINT')
  const { code, stdout } = await ended
  expect(stdout).toContain('cleaned up')
  expect(code).toBe(130)
})

test('a second Ctrl-C does not wait', async () => {
  const { child, ended, wrote } = start('run', 'stubborn.ts')
  await wrote('began')
  child.kill('SIGINT')
  await new Promise((resolve) => {
    child.stderr.once('data', resolve)
  })
  child.kill('SIGINT')
  expect((await ended).code).toBe(130)
})

test('a reader that leaves, as head does, ends the run quietly', async () => {
  const { child, ended, wrote } = start('run', 'endless.ts')
  await wrote('\n')
  child.stdout.destroy()
  const { code, stderr } = await ended
  expect([code, stderr]).toEqual([0, ''])
})

test.each([
  [['run', 'squares.ts', '--dry']],
  [['run', 'squares.ts']],
  [['explain', 'squares.ts']],
  [['--help']],
])('a reader that has left before anything is written: %j', async (args) => {
  const { child, ended } = start(...args)
  child.stdout.destroy()
  const { code, stderr } = await ended
  expect([code, stderr]).toEqual([0, ''])
})

test
  .runIf(process.platform === 'linux')
  .each([[['run', 'squares.ts', '--dry']], [['explain', 'squares.ts']]])(
  'what does not fit on the disk is no success: %j',
  async (args) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: pipelines,
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    })
    let stderr = ''
    child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect([code, stderr]).toEqual([1, expect.stringContaining('ENOSPC')])
  },
)

test.runIf(process.platform === 'linux')('a full disk ends the run with exit 1', async () => {
  const child = spawn(process.execPath, [main, 'run', 'endless.ts'], {
    cwd: pipelines,
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  })
  let stderr = ''
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const code = await new Promise((resolve) => {
    child.once('close', resolve)
  })
  expect(code).toBe(1)
  expect(stderr).toContain('ENOSPC')
})
