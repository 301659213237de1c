/** How threads end: in time, by force where they must, and never in the way of the process. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { WorkerDiedError } from '../../src/errors/index.ts'
import type { Host } from '../../src/place/host.ts'
import { openPool } from '../../src/place/pool.ts'
import { startThread } from '../../src/place/thread-host.ts'
import { locate } from '../../src/stage/address.ts'
import { recordOf } from '../../src/stage/record.ts'
import type { WorkPool } from '../../src/stream/pool.ts'
import * as stages from './fixtures/stages.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function openWithLimits(
  stage: unknown,
  settleLimit: number,
  exitLimit: number,
): Promise<WorkPool> {
  const record = recordOf(stage)
  if (!record) throw new Error('not a stage')
  const address = await locate(record)
  const { config } = record
  const start = (name: string): Host => startThread({ address, config }, name)
  const options = { address, start, settleLimit, exitLimit, replaces: false, maxDeaths: 0 }
  return openPool(1, options, new AbortController().signal)
}

const job = { items: [1], first: 0, key: 0 }

test('a stage that never ends is terminated, and its job told why', async () => {
  const pool = await openWithLimits(stages.endless, 300, 5_000)
  const result = pool.run(job).catch((error: unknown) => error)
  await pool.close()
  const error = await result
  expect(error).toBeInstanceOf(WorkerDiedError)
  expect(error).toMatchObject({
    message:
      'thread 1 of stages.ts#endless died while it worked on element 0: ' +
      'it was still at work 0.3 s after the run was closed',
  })
})

test('a stage that leaves a timer running is terminated with a warning that names it', async () => {
  const warned = new Promise<Error>((resolve) => {
    process.once('warning', resolve)
  })
  const pool = await openWithLimits(stages.leavesTimer, 5_000, 300)
  expect((await pool.run(job)).values).toEqual([1])
  await pool.close()
  const { name, message } = await warned
  expect(name).toBe('MillstreamWarning')
  expect(message).toContain(
    'stages.ts#leavesTimer was terminated 0.3 s after the run: it left open: Timeout',
  )
})

/** Runs a program that ends only if nothing is left behind. */
async function program(name: string, ...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', file, ...args],
    { cwd: root, timeout: 20_000 },
  )
  return stdout.trim()
}

test('a process ends by itself after its pools are closed', async () => {
  expect(await program('closes.ts')).toBe('2,4 then the end')
})

test('idle threads of a pool that nobody closed do not hold the process', async () => {
  expect(await program('abandons.ts')).toBe('2,4')
})

test('threads at work hold the process until they are done', async () => {
  expect(await program('works-last.ts')).toMatch(/^done on thread \d+$/)
})

test('workers that die at each element do not die for ever', async () => {
  const record = recordOf(stages.exits)
  if (!record) throw new Error('not a stage')
  const address = await locate(record)
  const start = (name: string): Host => startThread({ address, config: undefined }, name)
  const options = {
    address,
    start,
    settleLimit: 5_000,
    exitLimit: 5_000,
    replaces: true,
    maxDeaths: 2,
  }
  const pool = await openPool(1, options, new AbortController().signal)
  const deadly = { items: [3], first: 0, key: 0 }
  expect((await pool.run(deadly)).failed?.error).toBeInstanceOf(WorkerDiedError)
  await expect(pool.run(deadly)).rejects.toThrow(
    'workers of stages.ts#exits died 3 times without a result between. The last: thread 1 of',
  )
  await pool.close()
})
