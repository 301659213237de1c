import { Dataset, InvalidArgumentError } from 'millstream'
import { checkResume, firstOf } from 'millstream/testing'
import { expect, test } from 'vitest'

const words = Dataset.fromArray(['bee', 'ant', 'crow', 'dog', 'bear'])
const count = { init: () => 0, reduce: (n: number) => n + 1 }

test('one element for each key, in the order of their first elements', async () => {
  const byLength = words.groupBy((w) => w.length, count)
  expect(await byLength.toArray()).toEqual([
    [3, 3],
    [4, 2],
  ])
  expect(byLength.cardinality()).toBeUndefined()
  const byLetter = words.groupBy((w) => w.slice(0, 1), {
    init: (letter) => ({ letter, words: [] as string[] }),
    // A state may be changed in place: it is never part of a checkpoint.
    reduce: (group, w) => {
      group.words.push(w)
      return group
    },
    finalize: ({ words: all }, letter) => `${letter}: ${all.join(' ')}`,
  })
  expect(await byLetter.toArray()).toEqual(['b: bee bear', 'a: ant', 'c: crow', 'd: dog'])
  await checkResume(byLetter)
})

test('keys are told apart by type and value', async () => {
  const keys = [1, '1', 1n, true, NaN, NaN, 0, -0]
  const counts = await Dataset.fromArray(keys)
    .groupBy((k) => k, count)
    .toArray()
  expect(counts).toEqual([
    [1, 1],
    ['1', 1],
    [1n, 1],
    [true, 1],
    [NaN, 2],
    [0, 2],
  ])
})

test('nothing in, nothing out', async () => {
  expect(
    await words
      .take(0)
      .groupBy((w) => w, count)
      .toArray(),
  ).toEqual([])
})

test('what fails names its element, and can be left out', async () => {
  const odd = (x: number): number => {
    if (x === 4) throw new Error('no four')
    return x % 2
  }
  const ds = Dataset.range(9).groupBy(odd, { init: () => 0, reduce: (s, x) => s + x })
  await expect(ds.toArray()).rejects.toMatchObject({ stage: 'groupBy#1', index: 4 })
  expect(await ds.ignoreErrors().toArray()).toEqual([
    [0, 16],
    [1, 16],
  ])
  await checkResume(ds.ignoreErrors())

  const last = Dataset.range(9).groupBy((x) => x % 3, {
    ...count,
    finalize: (n, key) => {
      if (key === 1) throw new Error('no one')
      return n
    },
  })
  const run = last.iterate()
  expect(await run.next()).toEqual({ done: false, value: 3 })
  await expect(run.next()).rejects.toMatchObject({ index: 1 })
  await expect(last.resume(run.checkpoint()).next()).rejects.toMatchObject({ index: 1 })
  expect(await firstOf(last.ignoreErrors().iterate(), 9)).toEqual([3, 3])
})

test('wrong keys, reducers and promises are refused', async () => {
  const wrong = words.groupBy((w) => ({ w }) as never, count).toArray()
  await expect(wrong).rejects.toThrow(
    /groupBy#1.*element 0: the key of groupBy must be text, a number/,
  )
  const later = words.groupBy((w) => w, { init: () => 0, reduce: async () => 1 } as never).toArray()
  await expect(later).rejects.toThrow(InvalidArgumentError)
  expect(() => words.groupBy((w) => w, {} as never)).toThrow(/groupBy's init takes a function/)
})
