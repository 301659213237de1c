/** Workers that die under a pipeline: nothing is lost, nothing comes twice, and what did it is named. */
import { firstOf } from 'millstream/testing'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { built } from './built.ts'
import { deadly, onceDeadly, startsSeldom } from './fixtures/deadly.js'

const { CallTimeoutError, Dataset, messageOf, StageError, WorkerDiedError } = built

const n = 300
const all = Array.from({ length: n }, (_, k) => k)
const doubled = (leaveOut: readonly number[] = []): number[] =>
  all.filter((x) => !leaveOut.includes(x)).map((x) => 2 * x)

describe.each([built.threads, built.processes])('%o', (place) => {
  test('under fail the run rejects with the stage and the elements, behind what precedes', async () => {
    const out: number[] = []
    const read = async (): Promise<void> => {
      const ds = Dataset.range(n).map(deadly.with({ exits: [150] }).on(place(2)))
      for await (const y of ds) out.push(y)
    }
    const error = await read().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(WorkerDiedError)
    const { message } = error as Error
    const [, from, to = from] =
      /of deadly\.js#deadly died while it worked on elements? (\d+)(?: to (\d+))?: it left with exit code 7/.exec(
        message,
      ) ?? []
    expect(150).toBeGreaterThanOrEqual(Number(from))
    expect(150).toBeLessThanOrEqual(Number(to))
    expect(out).toEqual(doubled().slice(0, out.length))
  })

  test('under skip the elements that did it are left out, all others delivered in order', async () => {
    const exits = [0, 150]
    const stage = deadly.with({ exits, throws: [20] }).on(place(2))
    const run = Dataset.range(n).map(stage, { onError: 'skip' }).iterate()
    expect(await firstOf(run, n)).toEqual(doubled([...exits, 20]))
    expect(run.skipped).toBe(3)
  })

  test('under deadLetter each has its letter, with the death as its error', async () => {
    const run = Dataset.range(n)
      .map(deadly.with({ exits: [77] }).on(place(2)), { onError: 'deadLetter' })
      .iterate()
    expect(await firstOf(run, n)).toEqual(doubled([77]))
    const [letter] = run.deadLetters
    expect(letter).toMatchObject({ index: 77, element: 77 })
    expect(letter?.error).toBeInstanceOf(WorkerDiedError)
    expect(messageOf(letter?.error)).toMatch(/died while it worked on element 77: it left/)
  })

  test('under retry what killed by chance is done again: 0 lost, 0 duplicated', async () => {
    const stage = onceDeadly.with({ folder: testFolder(), each: 70 }).on(place(2))
    const run = Dataset.range(n)
      .map(stage, { retry: { attempts: 3, delay: 1 } })
      .iterate()
    expect(await firstOf(run, n)).toEqual(doubled())
  })

  test('what kills at each attempt fails the run as its element, and the run can go on behind it', async () => {
    const stage = deadly.with({ exits: [40] }).on(place(2))
    const ds = Dataset.range(80).map(stage, { retry: { attempts: 2, delay: 1 } })
    const error = await ds.toArray().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({ index: 40, cause: { code: 'MILLSTREAM_WORKER_DIED' } })
    expect(await ds.ignoreErrors().toArray()).toEqual(doubled([40]).slice(0, 79))
  })

  test('an endless loop is ended by its timeout, a call that heeds its signal ends itself', async () => {
    const stage = deadly.with({ hangs: [9], waits: [4] }).on(place(2))
    const run = Dataset.range(40).map(stage, { timeout: 300, onError: 'deadLetter' }).iterate()
    expect(await firstOf(run, n)).toEqual(doubled([4, 9]).slice(0, 38))
    expect(run.deadLetters.map(({ index }) => index)).toEqual([4, 9])
    for (const { error } of run.deadLetters) expect(error).toBeInstanceOf(CallTimeoutError)
  })

  test('a heap that is full ends one worker', async () => {
    const stage = deadly.with({ hoards: [9] }).on(place(2, { heapMb: 24 }))
    const run = Dataset.range(40).map(stage, { onError: 'deadLetter' }).iterate()
    expect(await firstOf(run, n)).toEqual(doubled([9]).slice(0, 39))
    expect(messageOf(run.deadLetters[0]?.error)).toMatch(/memory limit|SIGABRT/)
  })

  test('replacements that cannot start fail the run, with the reason', async () => {
    const stage = startsSeldom.with({ folder: testFolder(), starts: 2 }).on(place(2))
    const reading = Dataset.range(n).map(stage, { onError: 'skip' }).toArray()
    await expect(reading).rejects.toThrow(
      /of deadly\.js#startsSeldom died and could not be replaced, 3 starts failed: setup of .* failed: no room for the model/,
    )
  })

  test('the run may be left while a worker is replaced', async () => {
    const stage = deadly.with({ exits: [10, 11, 12, 13] }).on(place(2))
    for (const at of [9]) {
      const run = Dataset.range(n).map(stage, { onError: 'skip' }).iterate()
      expect(await firstOf(run, at)).toHaveLength(at)
      await run.close()
    }
  })
})

test('kill -9 ends one process', async () => {
  const stage = deadly.with({ kills: [9, 30] }).on(built.processes(2))
  const run = Dataset.range(40).map(stage, { onError: 'deadLetter' }).iterate()
  expect(await firstOf(run, n)).toEqual(doubled([9, 30]).slice(0, 38))
  expect(messageOf(run.deadLetters[0]?.error)).toContain('element 9: it was ended by SIGKILL')
})
