import { Dataset, InvalidArgumentError, StageError } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'

const failAt = (bad: number) => (x: number) => {
  if (x === bad) throw new Error(`no ${x}`)
  return x
}

test('batches keep the kind of their numbers', async () => {
  const ds = Dataset.fromArray([Float32Array.of(1, 2), Float32Array.of(3)])
  expect(await ds.rebatch(3).toArray()).toEqual([Float32Array.of(1, 2, 3)])
})

test('a slice of one batch is a view, a whole batch is itself', async () => {
  const batch = new Int8Array(4)
  const same = new Int8Array(2)
  const out = await Dataset.fromArray([batch, same]).rebatch(2).toArray()
  expect(out.map((x) => x.buffer)).toEqual([batch.buffer, batch.buffer, same.buffer])
  expect(out[2]).toBe(same)
})

test('a size of 0 makes empty batches in between', async () => {
  const ds = Dataset.range(5).batch(3).rebatch([2, 0])
  expect((await ds.toArray()).map((batch) => [...batch])).toEqual([[0, 1], [], [2, 3], [], [4]])
  await checkResume(ds)
})

test('sizes that can never work are refused at once', () => {
  const ds = Dataset.range(5).batch(3)
  for (const sizes of [0, -1, 1.5, [], [0], [2, -1]]) {
    expect(() => ds.rebatch(sizes)).toThrow(InvalidArgumentError)
  }
})

test('what has no rows is refused on iteration, behind what precedes it', async () => {
  const mixed = Dataset.fromArray<object>([new Float64Array(2), new Date(0), new Float64Array(3)])
  const run = mixed.rebatch(1).iterate()
  expect(await run.next()).toMatchObject({ done: false })
  expect(await run.next()).toMatchObject({ done: false })
  await expect(run.next()).rejects.toThrow(/rebatch#1 .*element 1: cannot unbatch a Date/)
})

test('an error above takes the half-made batch along, and a resume does the same', async () => {
  const ds = Dataset.range(12)
    .map(failAt(5))
    .batch(2)
    .rebatch([3, 2])
    .map((batch) => [...batch].join())
    .ignoreErrors()
  expect(await ds.toArray()).toEqual(['0,1,2', '6,7', '8,9,10', '11'])
  await checkResume(ds)
})

test('an error is found where it is, with what precedes it delivered', async () => {
  const seen: string[] = []
  const ds = Dataset.range(9).map(failAt(7)).batch(1).rebatch(2)
  await expect(ds.forEach((batch) => seen.push([...batch].join()))).rejects.toThrow(StageError)
  expect(seen).toEqual(['0,1', '2,3', '4,5'])
})
