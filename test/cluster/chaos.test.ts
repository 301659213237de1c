import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { hash } from '../../src/stream/random.ts'
import { testFolder } from '../folder.ts'
import { isGrowing, until } from '../sinks/chaos.ts'
import { noNats, numbersIn, upTo, World } from './world.ts'

/*
 * Everything dies: workers all the time, the broker, the submitter. `npm run chaos:cluster` is the same with 20,000 elements
 * and three brokers.
 */
const COUNT = Number(process.env['MILLSTREAM_CHUNKS'] ?? 400)
const BROKERS = Number(process.env['MILLSTREAM_BROKERS'] ?? 1)
const SEED = Number(process.env['MILLSTREAM_SEED'] ?? 1)
const WORKERS = 3
/** Milliseconds between two kills of a worker, on average, while all of them serve. */
const KILL_MS = 300

describe.skipIf(noNats !== undefined)('a cluster in which everything dies', () => {
  test(`${COUNT} elements: none lost, none doubled, in order`, { timeout: 600_000 }, () =>
    World.within(0, async (world) => {
      const folder = testFolder()
      const out = join(folder, 'out.jsonl')
      const args = [join(folder, 'state'), 'work', `${COUNT}`, out] as const
      const over = new AbortController()
      const killing = Array.from({ length: WORKERS }, (_, k) => killAlways(world, k, over.signal))
      const first = world.run(...args)
      await until(first.ended, () => existsSync(join(folder, 'state/latest.json')))
      first.child.kill('SIGKILL')
      const killed = await first.ended
      const second = world.run(...args)
      for (let k = 0; k < BROKERS; k++) {
        await until(second.ended, isGrowing(folder))
        await world.crash(hash(SEED, 1000 + k) % 500)
      }
      const { code, stderr } = await second.ended
      over.abort()
      const kills = (await Promise.all(killing)).reduce((sum, each) => sum + each, 0)
      console.log(
        `seed ${SEED}: ${kills} workers, ${BROKERS} brokers and a submitter killed; ${stderr.trim()}`,
      )
      expect([killed.code, code]).toEqual([null, 0])
      expect(numbersIn(out)).toEqual(upTo(COUNT))
      expect(await world.leftOver()).toEqual([])
    }),
  )
})

/** A worker that is killed whenever it has served for a moment, and started again; how often that was. */
async function killAlways(world: World, seat: number, signal: AbortSignal): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve())
  })
  for (let kills = 0; ; kills++) {
    const { child, ended } = world.worker()
    const serving = new Promise<void>((resolve) => {
      child.stderr.on('data', (text: string) => {
        if (text.startsWith('serving')) resolve()
      })
    })
    await Promise.race([serving, stopped])
    if (signal.aborted) return kills
    await sleep(hash(SEED, seat * 1e6 + kills) % (2 * KILL_MS * WORKERS))
    child.kill('SIGKILL')
    await ended
  }
}
