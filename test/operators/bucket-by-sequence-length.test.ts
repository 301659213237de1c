import { Column, Dataset, InvalidArgumentError, type Tensor } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'

const rows = Dataset.fromArray([1, 4, 2, 3, 1, 6, 2]).map((n, { index }) =>
  new Float32Array(n).fill(index),
)
const length = (row: { readonly length: number }): number => row.length

/** Shapes of the batches, and the first number of each row. */
const seen = (batch: Tensor): unknown => [
  batch.shape,
  Array.from({ length: batch.shape[0] }, (_, k) => batch.data[k * (batch.shape[1] ?? 0)]),
]

test('rows of similar length are batched together, filled up to the longest', async () => {
  const ds = rows.bucketBySequenceLength({ length, boundaries: [3], batchSizes: [2, 2] })
  expect((await ds.toArray()).map(seen)).toEqual([
    [
      [2, 2],
      [0, 2],
    ],
    [
      [2, 4],
      [1, 3],
    ],
    [
      [2, 2],
      [4, 6],
    ],
    [[1, 6], [5]],
  ])
  await checkResume(ds)
})

test('batches at the end that are not full may be left out', async () => {
  const options = { length, boundaries: [3], batchSizes: [2, 2], dropRemainder: true }
  expect(await rows.bucketBySequenceLength(options).toArray()).toHaveLength(3)
})

test('filled up to the bucket: one less than its boundary', async () => {
  const options = { length, boundaries: [3, 8], batchSizes: [4, 4, 1], padToBucketBoundary: true }
  const shapes = (await rows.bucketBySequenceLength(options).toArray()).map(({ shape }) => shape)
  expect(shapes).toEqual([
    [4, 2],
    [3, 7],
  ])
  const short = { ...options, boundaries: [3, 5] }
  await expect(rows.bucketBySequenceLength(short).toArray()).rejects.toThrow(
    /element 5: .*every length must be below the last boundary, 5/,
  )
})

test('records: each member is filled up, labels are not; shapes and values may be given', async () => {
  const docs = Dataset.fromArray(['a b', 'c', 'd e f']).map((text, { index }) => ({
    words: Column.from(text.split(' ')),
    ids: Float64Array.from(text.split(' '), (word) => word.charCodeAt(0)),
    label: index,
  }))
  const options = {
    length: ({ words }: { readonly words: Column<string> }) => words.length,
    boundaries: [9],
    batchSizes: [3, 1],
  }
  const [batch] = await docs
    .bucketBySequenceLength({
      ...options,
      paddedShapes: { ids: [5] },
      paddingValues: { ids: -1, words: '?' },
    })
    .toArray()
  expect(batch?.label).toEqual(Float64Array.of(0, 1, 2))
  expect(batch?.ids.shape).toEqual([3, 5])
  expect([...(batch?.ids.data ?? [])].slice(5, 8)).toEqual([99, -1, -1])
  expect(batch?.words[1]).toEqual(Column.of('c', '?', '?'))
  const [wide] = await docs
    .bucketBySequenceLength({ ...options, padToBucketBoundary: true })
    .toArray()
  expect(wide?.ids.shape).toEqual([3, 8])
  expect(wide?.words[0]).toHaveLength(8)
})

test('without filling up the rows of a bucket must be of one length', async () => {
  const options = { length, boundaries: [2], batchSizes: [2, 2], noPadding: true }
  await expect(rows.bucketBySequenceLength(options).toArray()).rejects.toThrow(/one shape/)
  const even = rows.filter((row) => row.length === 1).bucketBySequenceLength(options)
  expect((await even.toArray()).map(seen)).toEqual([
    [
      [2, 1],
      [0, 4],
    ],
  ])
})

test.each([
  [{ batchSizes: [1] }, /2 batchSizes|1 boundaries make 2 buckets/],
  [{ batchSizes: [0, 1] }, /batch size/],
  [{ boundaries: [1.5] }, /boundary/],
])('%j is refused', (wrong, message) => {
  const options = { length, boundaries: [3], batchSizes: [2, 2], ...wrong }
  expect(() => rows.bucketBySequenceLength(options)).toThrow(InvalidArgumentError)
  expect(() => rows.bucketBySequenceLength(options)).toThrow(message)
})

const column = <T>(...items: readonly T[]): Column<T> => Column.copy(items)

test('a boundary fills up columns of columns, also when the first is empty', async () => {
  const pages = Dataset.fromArray([column<Column<string>>(), column(column('a', 'b'), column('c'))])
  const batches = pages.bucketBySequenceLength({
    length: (page) => page.length,
    boundaries: [4],
    batchSizes: [2, 1],
    padToBucketBoundary: true,
  })
  const gap = column('', '')
  expect(await batches.toArray()).toEqual([
    column(column(gap, gap, gap), column(column('a', 'b'), column('c', ''), gap)),
  ])
})

test('a boundary fills up sizes that are null, and those of members without a shape', async () => {
  const records = Dataset.fromArray([
    { id: 1, xs: Float32Array.of(1), ys: Float32Array.of(1) },
    { id: 2, xs: Float32Array.of(1, 2), ys: Float32Array.of(1) },
  ])
  const shapeOf = async (paddedShapes: object): Promise<unknown> => {
    const batches = records.bucketBySequenceLength({
      length: ({ xs }) => xs.length,
      boundaries: [5],
      batchSizes: [2, 1],
      padToBucketBoundary: true,
      paddedShapes,
    })
    return batches.map(({ id, xs, ys }) => [id.length, xs.shape, ys.shape]).toArray()
  }
  expect(await shapeOf({})).toEqual([[2, [2, 4], [2, 4]]])
  expect(await shapeOf({ xs: [null], ys: [3] })).toEqual([[2, [2, 4], [2, 3]]])
})
