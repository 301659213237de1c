import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { testFolder } from '../folder.ts'
import { LockedError } from '../../src/errors/index.ts'
import { type Lock, takeLock } from '../../src/run/lock.ts'

const dead = (): number => spawnSync(process.execPath, ['-e', '']).pid

test('one at a time; released, the next has it', async () => {
  const folder = testFolder()
  for (let round = 0; round < 3; round++) {
    const lock = await takeLock(folder)
    await expect(takeLock(folder)).rejects.toThrow(LockedError)
    await expect(takeLock(folder)).rejects.toThrow(`process ${process.pid}, since`)
    await lock.release()
    await lock.release()
  }
  expect(readdirSync(folder)).toEqual(['lock-3'])
})

/** Those of many that got the lock. */
async function takeByMany(folder: string): Promise<readonly Lock[]> {
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(folder)))
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

test('of many that want it at the same time, one gets it', async () => {
  const folder = testFolder()
  for (let round = 0; round < 5; round++) {
    const got = await takeByMany(folder)
    expect(got).toHaveLength(1)
    await got[0]?.release()
  }
})

test('the lock of a dead process is taken over, by one', async () => {
  const folder = testFolder()
  const owner = { pid: dead(), host: hostname(), start: null, since: 'x' }
  writeFileSync(join(folder, 'lock-7'), JSON.stringify(owner))
  const got = await takeByMany(folder)
  expect(got).toHaveLength(1)
  expect(readdirSync(folder)).toEqual(['lock-8'])
  await got[0]?.release()
})

test.runIf(process.platform === 'linux')(
  'a number that was used again is another process',
  async () => {
    const folder = testFolder()
    const owner = { pid: process.pid, host: hostname(), start: '1', since: 'x' }
    writeFileSync(join(folder, 'lock-1'), JSON.stringify(owner))
    await (await takeLock(folder)).release()
  },
)

test.each(['', '{"pid":1', '\0\0\0\0'])(
  'the lock of a machine that lost its power is taken over, by one: %j',
  async (half) => {
    const folder = testFolder()
    writeFileSync(join(folder, 'lock-3'), half)
    const got = await takeByMany(folder)
    expect(got).toHaveLength(1)
    expect(readdirSync(folder)).toEqual(['lock-4'])
    await got[0]?.release()
  },
)

test('a sign of life is stamped by the file system, whatever the time is here', async () => {
  const folder = testFolder()
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'Date'],
    now: new Date('2001-01-01'),
  })
  try {
    const lock = await takeLock(folder)
    const path = join(folder, 'lock-1')
    const content = readFileSync(path, 'utf8')
    utimesSync(path, 0, 0)
    await vi.advanceTimersByTimeAsync(20_000)
    await expect.poll(() => statSync(path).mtime.getFullYear()).toBeGreaterThan(2001)
    expect(readFileSync(path, 'utf8')).toBe(content)
    await lock.release()
  } finally {
    vi.useRealTimers()
  }
})

test('an owner on another machine lives as long as it shows it', async () => {
  const folder = testFolder()
  const path = join(folder, 'lock-1')
  writeFileSync(path, JSON.stringify({ pid: 1, host: 'elsewhere', start: null, since: 'x' }))
  await expect(takeLock(folder)).rejects.toThrow('process 1 on elsewhere')
  const before = new Date(Date.now() - 5 * 60_000)
  utimesSync(path, before, before)
  await (await takeLock(folder)).release()
})
