import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError, limit, StorageError } from 'millstream'
import { fakeApi } from 'millstream/testing'
import { expect, test } from 'vitest'
import { FileState } from '../../src/limit/shared-file.ts'
import { formatShared, parseShared, takeTurn, type Turn } from '../../src/limit/shared-limit.ts'
import { SharedLimiter } from '../../src/limit/shared-limiter.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { testFolder } from '../folder.ts'
import { simulateShared, SlowState, usual } from './simulate.ts'

const declared = { declared: usual.quota }
const few = { calls: 1200, clients: 2, shared: 1 }

test.each([
  { name: 'undeclared', with: {}, refused: 0.02 },
  { name: 'declared', with: declared, refused: 0 },
  { name: 'four processes', with: { clients: 4 }, refused: 0.02 },
  { name: 'a slow state', with: { shared: 20 }, refused: 0.02 },
])('processes that share what they know keep to one quota: $name', async (row) => {
  const report = await simulateShared({ ...few, ...row.with })
  expect(report.done).toBe(few.calls)
  expect(report.share).toBeGreaterThanOrEqual(0.95)
  expect(report.refused).toBeLessThanOrEqual(row.refused)
  expect(report.violations).toBe(0)
})

const ceilings = { rates: { tokens: 1 }, inFlight: 4 }
const call = () => ({ costs: { tokens: 10 }, again: false, pacedBy: undefined })

function turnOf(change: Partial<Turn<ReturnType<typeof call>>>) {
  const wanted = Array.from({ length: 20 }, call)
  const base = { member: 'a', write: 1, now: 1e9, ceilings, happened: [], underWay: 0, wanted }
  return { ...base, ...change }
}

test('calls under way are counted over all processes, and those of a dead one only until it is missed', () => {
  const shared = parseShared('')
  const first = takeTurn(shared, turnOf({}), 0)
  expect(first.grants.map(({ at }) => at - 1e9)).toEqual([0, 10, 20, 30])
  const second = turnOf({ member: 'b', now: 1e9 + 1 })
  expect(takeTurn(shared, second, 0).grants).toHaveLength(0)
  const later = turnOf({ member: 'b', now: 1e9 + 3_001 })
  expect(takeTurn(parseShared(formatShared(shared)), later, 0).grants).toHaveLength(4)
})

test('a process leaves the others their share of the calls ahead, and of the places', () => {
  const shared = parseShared('')
  const open = { rates: { tokens: 1 }, inFlight: Infinity }
  expect(takeTurn(shared, turnOf({ ceilings: open }), 0).grants).toHaveLength(11) // a tenth of a second
  const other = turnOf({ ceilings: open, member: 'b', now: 1e9 + 90 })
  expect(takeTurn(shared, other, 0).grants).toHaveLength(6) // half of it
  const places = parseShared('')
  const waiting = { write: 1, at: 1e9, ceilings, underWay: 0, waits: true }
  places.members = { b: waiting }
  expect(takeTurn(places, turnOf({}), 0).grants).toHaveLength(2)
})

test('when the clock is set back, what is to come stays as far away as it was', () => {
  const shared = parseShared('')
  takeTurn(shared, turnOf({ happened: [{ kind: 'asked', until: 1e9 + 500 }] }), 0)
  const [grant] = takeTurn(shared, turnOf({ now: 1e9 - 3.6e6 }), 0).grants
  expect(grant).toBeUndefined()
  const { grants } = takeTurn(shared, turnOf({ now: 1e9 - 3.6e6 + 450 }), 0)
  expect(grants[0]?.at).toBe(1e9 - 3.6e6 + 500)
})

test('a Retry-After that one process was told holds back what others were granted', async () => {
  const clock = new VirtualClock()
  const state = new SlowState(clock, 1)
  const rates = { rates: { requests: 0.1 }, inFlight: Infinity }
  const [a, b] = [0, 1].map((key) => new SharedLimiter(clock, state, rates, key))
  const went: number[] = []
  const enter = (limiter: SharedLimiter | undefined): void => {
    const fail = (error: unknown): void => expect.fail(String(error))
    limiter?.enter({ costs: {}, again: false, go: () => went.push(clock.now()), fail })
  }
  for (let k = 0; k < 40; k++) enter(k % 2 === 0 ? a : b)
  await clock.run(clock.sleep(150))
  a?.ask(1000)
  await clock.run(clock.sleep(5000))
  expect(went).toHaveLength(40)
  // A call that the other process was granted may go before it looks again.
  const inside = went.filter((at) => at > 150 + 60 && at < 1150)
  expect(inside).toEqual([])
})

test('a state in files loses no change, whoever makes one at the same time', async () => {
  const folder = join(testFolder(), 'deep', 'state')
  const add = async (state: FileState, mine: string): Promise<void> => {
    for (;;) {
      const { version, text } = await state.read()
      const all = text === '' ? [] : (JSON.parse(text) as string[])
      if (all.includes(mine)) return
      await state.compareAndSet(version, JSON.stringify([...all, mine]))
    }
  }
  const writers = Array.from({ length: 6 }, async (_, k) => {
    const state = new FileState(folder)
    for (let n = 0; n < 8; n++) await add(state, `${k}:${n}`)
  })
  await Promise.all(writers)
  const { version, text } = await new FileState(folder).read()
  const all = JSON.parse(text) as string[]
  expect(new Set(all).size).toBe(48)
  expect(all).toHaveLength(48)
  expect(version).toBe(48)
  expect(readdirSync(folder)).toEqual(['48'])
})

test('half a file, after a loss of power, is learnt again', async () => {
  const folder = testFolder()
  const state = new FileState(folder)
  await state.compareAndSet(0, '{"at":1,"contr')
  const { version, text } = await state.read()
  expect(takeTurn(parseShared(text), turnOf({}), 0).grants).toHaveLength(4)
  expect(await state.compareAndSet(version, 'whole')).toBe(true)
})

test('kill -9 of processes that share a limit: the others go on, within it', async () => {
  await using api = await fakeApi({
    quota: { requests: 3600 },
    burst: '1s',
    latency: 40,
    answer: () => 1,
  })
  const folder = testFolder()
  const args = ['--import', 'tsx', fixture, api.url, folder]
  const victims = [start(...args, '100000'), start(...args, '100000')]
  await until(() => api.stats.calls >= 30)
  const survivor = start(...args, '60')
  const finished = once(survivor, 'exit')
  await until(() => api.stats.calls >= 45)
  for (const victim of victims) {
    const exit = once(victim, 'exit')
    victim.kill('SIGKILL')
    await exit
  }
  expect(await finished).toEqual([0, null])
  expect(api.stats.refused).toBe(0)
  expect(api.stats.mostInFlight).toBeLessThanOrEqual(6)
})

test('a folder that cannot be made ends what waits, with the path', async () => {
  const file = join(testFolder(), 'file')
  writeFileSync(file, '')
  const shared = limit('shared in a file', { requests: '10/s', shared: file })
  await expect(shared.run(() => 1)).rejects.toThrow(StorageError)
  await expect(shared.run(() => 1)).rejects.toThrow(file)
})

test('what is shared is declared alike', () => {
  const folder = testFolder()
  limit('declared as shared', { shared: folder })
  expect(() => limit('declared as shared', { shared: true })).toThrow(/shared/)
  expect(() => limit('shared by nothing', { shared: '' })).toThrow(InvalidArgumentError)
})

const fixture = fileURLToPath(new URL('fixtures/shared-calls.ts', import.meta.url))

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
