import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checkpoint, Dataset, StorageError } from 'millstream'
import { takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

const folder = testFolder()

/** Six elements, of which one fails in the first reading when `flaky`: as in another process each time. */
function cached(flaky: boolean): Dataset<number> {
  let failures = flaky ? 1 : 0
  return Dataset.range(6)
    .map((x) => {
      if (x === 1 && failures-- > 0) throw new Error('flaky')
      return x
    })
    .cache()
    .repeat(2)
}

test('an error while the cache is made again does not bring back what was handed out', async () => {
  const checkpoint = await behind(cached(false).ignoreErrors(), 9)
  // One of those before the position is missing, so one more is taken for it.
  expect(await rest(cached(true).ignoreErrors(), checkpoint)).toEqual([4, 5])
})

test('a checkpoint taken behind such an error knows what was handed out', async () => {
  const pairs = (flaky: boolean) => cached(flaky).window(2, { shift: 1 }).ignoreErrors()
  const checkpoint = await behind(pairs(false), 9)
  // The window that comes next holds an element of a chunk that was read right behind the error.
  const run = pairs(true).resume(checkpoint, { chunk: 2 })
  expect(await listed(await takeFrom(run, 1))).toEqual([[4, 5]])
  const again = run.checkpoint()
  await run.close()
  expect(await listed(await rest(pairs(false), again))).toEqual([[5]])
})

test.each(['in memory', 'in a folder'])(
  'what failed first is missing in no later epoch: %s',
  async (place) => {
    let failures = 1
    const ds = Dataset.range(4)
      .map((x) => {
        if (x === 0 && failures-- > 0) throw new Error('flaky')
        return x
      })
      .cache(place === 'in memory' ? undefined : join(folder, 'flaky'))
      .ignoreErrors()
      .repeat(3)
    expect(await ds.toArray()).toEqual([1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
  },
)

test('a folder that cannot be made is told, also while the first element lets wait', async () => {
  const slow = Dataset.fromGenerator(async function* () {
    for (let k = 0; k < 50; k++) await stat(folder)
    yield 1
  })
  // Longer than names may be.
  await expect(slow.cache(join(folder, 'x'.repeat(250))).toArray()).rejects.toThrow(StorageError)
})

const listed = (windows: readonly Dataset<number>[]) =>
  Promise.all(windows.map((window) => window.toArray()))

async function behind<T>(ds: Dataset<T>, count: number): Promise<Checkpoint> {
  const run = ds.iterate({ chunk: 1 })
  await takeFrom(run, count)
  const checkpoint = run.checkpoint()
  await run.close()
  return checkpoint
}

async function rest<T>(ds: Dataset<T>, from: Checkpoint): Promise<T[]> {
  const xs: T[] = []
  for await (const x of ds.resume(from)) xs.push(x)
  return xs
}
