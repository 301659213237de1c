import { Dataset, InvalidArgumentError, StageError } from 'millstream'
import { checkResume, firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

const shapes = [{}, { chunk: 1 }, { chunk: 3, codegen: false }]

test.each(shapes)('windows come when they are full, the rest by key: %j', async (shape) => {
  const ds = Dataset.fromArray([5, 1, 3, 2, 4, 7, 6, 9]).groupByWindow({
    key: (x) => x % 3,
    reduce: (key, w) => w.batch(9).map((b) => [key, ...b]),
    windowSize: 2,
  })
  expect(await ds.toArray(shape)).toEqual([
    [2, 5, 2],
    [1, 1, 4],
    [0, 3, 6],
    [0, 9],
    [1, 7],
  ])
})

test('keys may be text, sizes follow from keys, reduce may give an array', async () => {
  const ds = Dataset.fromArray(['b1', 'a1', 'b2', 'a2', 'a3', 'b3', 'c1']).groupByWindow({
    key: (x) => x.slice(0, 1),
    reduce: (key) => [key, key.toUpperCase()],
    windowSize: (key) => (key === 'a' ? 3 : 2),
  })
  expect(await ds.toArray()).toEqual(['b', 'B', 'a', 'A', 'b', 'B', 'c', 'C'])
  await checkResume(ds)
})

test('windows of records are datasets of records, as in tf.data', async () => {
  const ds = Dataset.range(4)
    .map((id) => ({ id, even: id % 2 === 0 }))
    .groupByWindow({
      key: ({ even }) => even,
      reduce: (even, w) => w.filter(({ id }) => id > 0).map(({ id }) => (even ? id : -id)),
      windowSize: 10,
    })
  expect(await ds.toArray()).toEqual([-1, -3, 2])
})

test('a window may be replaced by nothing, or by more than it held', async () => {
  const ds = Dataset.range(6).groupByWindow({
    key: (x) => x % 2,
    reduce: (key, w) => (key === 0 ? w.take(0) : w.repeat(2)),
    windowSize: 2,
  })
  expect(await ds.toArray()).toEqual([1, 3, 1, 3, 5, 5])
  await checkResume(ds)
})

test('windows of one key are shuffled apart, and the same after a resume', async () => {
  const ds = Dataset.range(60).groupByWindow({
    key: () => 0,
    reduce: (_, w) => w.map((x) => x % 20).shuffle(20),
    windowSize: 20,
  })
  const all = await ds.toArray({ epoch: 0 })
  expect(all.slice(0, 20)).not.toEqual(all.slice(20, 40))
  await checkResume(ds)
})

test('a checkpoint is small, whatever the windows hold', async () => {
  const ds = Dataset.range(100_000).groupByWindow({
    key: (x) => x % 10,
    reduce: (_, w) => w.take(1),
    windowSize: 9000,
  })
  const run = ds.iterate()
  expect(await takeFrom(run, 5)).toHaveLength(5)
  const checkpoint = run.checkpoint()
  await run.close()
  expect(JSON.stringify(checkpoint).length).toBeLessThan(500)
  expect(await firstOf(ds.resume(checkpoint), 3)).toEqual([5, 6, 7])
})

test.each(shapes)('errors of key, size and reduce are those of an element: %j', async (shape) => {
  const ds = (what: 'key' | 'size' | 'reduce'): Dataset<number> =>
    Dataset.range(8).groupByWindow({
      key: (x) => {
        if (what === 'key' && x === 3) throw new Error('no key')
        return x % 2
      },
      reduce: (key, w) => {
        if (what === 'reduce' && key === 1) throw new Error('no window')
        return w
      },
      windowSize: (key) => {
        if (what === 'size' && key === 1) throw new Error('no size')
        return 2
      },
    })
  const errorOf = async (what: 'key' | 'size' | 'reduce'): Promise<unknown> =>
    ds(what)
      .toArray(shape)
      .catch((e: unknown) => e)
  expect(await errorOf('key')).toBeInstanceOf(StageError)
  expect(await errorOf('key')).toMatchObject({ stage: 'groupByWindow#1', index: 3 })
  expect(await errorOf('size')).toMatchObject({ stage: 'groupByWindow#1', index: 1 })
  expect(await errorOf('reduce')).toMatchObject({ stage: 'groupByWindow#1', index: 3 })
  expect(await ds('key').ignoreErrors().toArray(shape)).toEqual([0, 2, 1, 5, 4, 6, 7])
  expect(await ds('reduce').ignoreErrors().toArray(shape)).toEqual([0, 2, 4, 6])
})

test('an error above leaves windows as they are', async () => {
  const ds = Dataset.range(6)
    .map((x) => {
      if (x === 2) throw new Error('no two')
      return x
    })
    .groupByWindow({ key: () => 0, reduce: (_, w) => w.batch(9), windowSize: 3 })
    .ignoreErrors()
  expect((await ds.toArray()).map((b) => [...b])).toEqual([
    [0, 1, 3],
    [4, 5],
  ])
})

test('keys of other kinds and sizes that are none are told', async () => {
  const bad = (key: unknown, windowSize: unknown): Dataset<number> =>
    Dataset.range(2).groupByWindow({
      key: () => key as number,
      reduce: (_, w) => w,
      windowSize: () => windowSize as number,
    })
  await expect(bad({ a: 1 }, 2).toArray()).rejects.toThrow(/key of groupByWindow must be text/)
  await expect(bad(1, 0).toArray()).rejects.toThrow(InvalidArgumentError)
  expect(() =>
    Dataset.range(2).groupByWindow({ key: (x) => x, reduce: (_, w) => w, windowSize: 0 }),
  ).toThrow(InvalidArgumentError)
})

const KEYS = 200_000

/** Another order than that of the first elements. */
const scattered = (x: number): number => (x * 7919) % KEYS

test('as many open windows as there are keys, and what is left comes by key', async () => {
  const windows = Dataset.range(KEYS).groupByWindow({
    key: scattered,
    reduce: (key) => [key],
    windowSize: 2,
  })
  const run = windows.iterate()
  expect(await run.next()).toEqual({ done: false, value: 0 })
  const checkpoint = run.checkpoint()
  await run.close()
  let wanted = 1
  for await (const key of windows.resume(checkpoint)) {
    if (key !== wanted) expect(key).toBe(wanted)
    wanted++
  }
  expect(wanted).toBe(KEYS)
})

test('windows fill up while many keys are open', async () => {
  const keys = Dataset.range(KEYS).concatenate(Dataset.range(20))
  const windows = keys.groupByWindow({ key: (x) => x, reduce: (key) => [key], windowSize: 2 })
  expect(await windows.take(20).toArray()).toEqual(Array.from({ length: 20 }, (_, k) => k))
})

test.each([
  ['numbers', [10, 9, -1, 0, 2.5], [-1, 0, 2.5, 9, 10]],
  ['texts', ['b', 'a', 'B', '10', '9'], ['10', '9', 'B', 'a', 'b']],
  ['bigints', [3n, -1n, 2n], [-1n, 2n, 3n]],
  ['booleans', [true, false], [false, true]],
  ['keys of several types', ['b', 2, true, 'a', 1n], ['a', 'b', true, 1n, 2]],
  ['keys that are no number', [2, NaN, 1], [1, 2, NaN]],
])('%s are left over in the order of <', async (_, keys, wanted) => {
  const windows = Dataset.fromArray<string | number | bigint | boolean>(keys).groupByWindow({
    key: (x) => x,
    reduce: (key) => [key],
    windowSize: 2,
  })
  expect(await windows.toArray()).toEqual(wanted)
  await checkResume(windows)
})
