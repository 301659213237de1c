import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CheckpointMismatchError,
  Dataset,
  deadLettersIn,
  type Json,
  type RunEvent,
  type Sink,
  SinkUnavailableError,
} from 'millstream'
import { beforeEach, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

let state = ''
beforeEach(() => {
  state = testFolder()
})

const upTo = (n: number): number[] => Array.from({ length: n }, (_, k) => k)

interface Faults {
  readonly opened?: (from: Json) => void
  readonly write?: () => Promise<void>
  readonly commit?: (durable: boolean) => Promise<void>
}

/** A sink that holds numbers in memory, and whose steps a test replaces by faults. */
function memory(faults: Faults = {}) {
  const got: number[] = []
  const commits: { length: number; durable: boolean }[] = []
  const sink: Sink<number> = {
    name: 'memory',
    structure: {},
    open: async ({ state: from }) => {
      faults.opened?.(from ?? null)
      got.length = typeof from === 'number' ? from : 0
      return {
        write: async (_, xs) => {
          await faults.write?.()
          got.push(...xs)
        },
        commit: async (_, durable) => {
          await faults.commit?.(durable)
          commits.push({ length: got.length, durable })
          return got.length
        },
        finish: async () => undefined,
        abort: async () => undefined,
      }
    },
  }
  return { sink, got, commits }
}

/** Numbers that wait before `at` until a position with so many of them dealt with is told. */
function waiting(length: number, at: number) {
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => (open = resolve))
  const observe = (event: RunEvent): void => {
    if (event.type === 'position' && event.delivered + event.dead === at) open()
  }
  const wait = async (x: number): Promise<void> => {
    if (x === at) await gate
  }
  return { numbers: Dataset.range(length), wait, observe }
}

test('elements that are given up are progress: no kill makes their calls again', async () => {
  const { numbers, wait, observe } = waiting(60, 50)
  const calls: number[] = []
  const rows = numbers.map(
    async (x) => {
      await wait(x)
      calls.push(x)
      if (x < 50) throw new Error('refused')
      return x
    },
    { onError: 'deadLetter', parallelism: 1 },
  )
  // A sink that fails is asked nothing more, as if the process had died.
  const dying = memory({ write: () => Promise.reject(new Error('dead')) })
  const every = { ms: 3_600_000 }
  const died = rows.write(dying.sink, { state, every }).run({ observe })
  await expect(died).rejects.toThrow('dead')
  expect(dying.commits).toContainEqual({ length: 0, durable: false })
  expect(await deadLettersIn(state)).toHaveLength(50)
  calls.length = 0
  const { sink, got } = memory()
  const summary = await rows.write(sink, { state }).run()
  expect(summary).toMatchObject({ delivered: 10, deadLetters: 50 })
  expect(calls).toEqual(upTo(60).slice(50))
  expect(got).toEqual(upTo(60).slice(50))
})

test('when a durable commit fails, what was committed quickly since the one before is made again', async () => {
  const { numbers, wait, observe } = waiting(40, 30)
  let safe = 0
  let broken = true
  const disk = memory({
    commit: async (durable) => {
      if (durable && broken && disk.got.length === 40) {
        disk.got.fill(-1, safe) // as a disk does: it says once that it lost what it had taken
        throw new Error('EIO')
      }
      if (durable) safe = disk.got.length
    },
  })
  const rows = numbers.map(
    async (x) => {
      await wait(x)
      return x
    },
    { parallelism: 1 },
  )
  const pipeline = rows.write(disk.sink, { state, every: { elements: 20 } })
  await expect(pipeline.run({ observe, chunk: 5 })).rejects.toThrow('EIO')
  expect(disk.commits).toContainEqual({ length: 30, durable: false })
  expect(existsSync(join(state, 'latest.json'))).toBe(false)
  broken = false
  const resumedAt = safe
  expect(await pipeline.run()).toMatchObject({ delivered: 40, resumedAt })
  expect(disk.got).toEqual(upTo(40))
})

test('a server that forgot what was committed quickly is gone on with at what is certain', async () => {
  const { numbers, wait, observe } = waiting(40, 30)
  let crashed = false
  const server = memory({
    write: async () => {
      if (crashed || server.got.length < 30) return
      crashed = true
      throw new SinkUnavailableError('it starts anew')
    },
    opened: (from) => {
      if (crashed && from !== null) throw new CheckpointMismatchError('nothing is known of the run')
    },
  })
  const rows = numbers.map(async (x) => {
    await wait(x)
    return x
  })
  const every = { ms: 3_600_000 }
  const summary = await rows.write(server.sink, { state, every }).run({ observe })
  expect(server.commits).toContainEqual({ length: 30, durable: false })
  expect(summary.delivered).toBe(40)
  expect(server.got).toEqual(upTo(40))
})

test('without a state folder there are no quick commits, whenever timers ring', async () => {
  const { sink, commits } = memory()
  const slow = Dataset.range(12).map(
    async (x) => {
      await sleep(7)
      return x
    },
    { parallelism: 1 },
  )
  await slow.write(sink, { every: { ms: 3 } }).run()
  expect(commits.length).toBeGreaterThan(1)
  expect(commits.filter(({ durable }) => !durable)).toEqual([])
})
