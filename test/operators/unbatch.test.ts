import { Dataset, Tensor } from 'millstream'
import { expect, test } from 'vitest'

const ten = Dataset.range(10)

test('how many elements come out is known where all batches are of one size', () => {
  expect(ten.batch(3, { dropRemainder: true }).unbatch().cardinality()).toBe(9)
  expect(ten.batch(3).unbatch().cardinality()).toBeUndefined()
  const some = ten.batch(2, { dropRemainder: true }).take(3).cache().prefetch(1)
  expect(some.unbatch().cardinality()).toBe(6)
  expect(
    Dataset.fromTensors(Int32Array.of(1, 2, 3))
      .unbatch()
      .cardinality(),
  ).toBe(3)
  const rows = Dataset.fromTensorSlices(new Tensor(new Float32Array(6), [2, 3]))
  expect(rows.unbatch().cardinality()).toBe(6)
  expect(ten.batch(5).rebatch(2, { dropRemainder: true }).unbatch().cardinality()).toBeUndefined()
})

test('elements that make no batch together are data that ignoreErrors leaves out', async () => {
  const rows = Dataset.fromArray([2, 5, 1, 3]).map((n) => new Int32Array(n).fill(n))
  const padded = rows.paddedBatch(1, { paddedShapes: [4] }).ignoreErrors()
  expect((await padded.toArray()).map(({ data }) => [...data])).toEqual([
    [2, 2, 0, 0],
    [1, 0, 0, 0],
    [3, 3, 3, 0],
  ])
  expect(await rows.batch(2).ignoreErrors().toArray()).toEqual([])
})
