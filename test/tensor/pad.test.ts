import * as fc from 'fast-check'
import { Column, DataError, Dataset, InvalidArgumentError, Tensor } from 'millstream'
import { describe, expect, test } from 'vitest'
import { collatePadded, collateRagged } from '../../src/tensor/index.ts'
import type { Padding } from '../../src/tensor/padding.ts'

const tensorOf = (shape: readonly number[], start: number): Float32Array | Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  const data = Float32Array.from({ length: size }, (_, i) => start + i)
  const [a, b, ...more] = shape
  return a === undefined || b === undefined ? data : new Tensor(data, [a, b, ...more])
}

const at = (
  shape: readonly number[],
  start: number,
  index: readonly number[],
): number | undefined => {
  let flat = 0
  for (const [d, k] of index.entries()) {
    const size = shape[d] ?? 0
    if (k >= size) return undefined
    flat = flat * size + k
  }
  return start + flat
}

/** Every index of a shape, row by row. */
const indices = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (sofar, size) =>
      sofar.flatMap((index) => Array.from({ length: size }, (_, k) => [...index, k])),
    [[]],
  )

const shapes = fc.integer({ min: 1, max: 4 }).chain((rank) =>
  fc.array(fc.array(fc.nat({ max: 3 }), { minLength: rank, maxLength: rank }), {
    minLength: 1,
    maxLength: 5,
  }),
)

test('each element is found in its batch, and all else is padding, at any rank', () => {
  fc.assert(
    fc.property(shapes, fc.nat({ max: 2 }), fc.boolean(), (own, extra, fixed) => {
      const longest = (own[0] ?? []).map((_, d) => Math.max(...own.map((shape) => shape[d] ?? 0)))
      const sizes = fixed ? longest.map((n) => n + extra) : longest
      const items = own.map((shape, i) => tensorOf(shape, 100 * i))
      const padding = { shapes: fixed ? sizes : undefined, values: -1 }
      const batch = collatePadded(items, padding) as Tensor
      expect(batch.shape).toEqual([own.length, ...sizes])
      expect(batch.data).toBeInstanceOf(Float32Array)
      const wanted = own.flatMap((shape, i) =>
        indices(sizes).map((index) => at(shape, 100 * i, index) ?? -1),
      )
      expect([...batch.data]).toEqual(wanted)
    }),
  )
})

test('columns of text are filled up, and columns of columns', () => {
  const text = (...items: readonly string[]): Column<string> => Column.copy(items)
  expect(collatePadded([text('a', 'b'), text('c'), text()], {})).toEqual(
    Column.copy([text('a', 'b'), text('c', ''), text('', '')]),
  )
  expect(collatePadded([text('a')], { shapes: [3], values: '_' })).toEqual(
    Column.copy([text('a', '_', '_')]),
  )
  const deep = [Column.copy([text('a'), text('b', 'c')]), Column.copy([text('d')])]
  expect(collatePadded(deep, {})).toEqual(
    Column.copy([
      Column.copy([text('a', ''), text('b', 'c')]),
      Column.copy([text('d', ''), text('', '')]),
    ]),
  )
  expect(collatePadded([Column.copy([true]), Column.copy([])], {})).toEqual(
    Column.copy([Column.copy([true]), Column.copy([false])]),
  )
})

test('members of tuples and records have shapes and values of their own', () => {
  const items = [
    { id: 1, xs: Int32Array.of(1), name: 'a', at: [new Uint8Array(0), 5] },
    { id: 2, xs: Int32Array.of(2, 3), name: 'b', at: [Uint8Array.of(7, 8), 6] },
  ]
  const padding = {
    shapes: { xs: [3], at: [[null], []] },
    values: { xs: -9, at: [255, undefined] },
  }
  expect(collatePadded(items, padding)).toEqual({
    id: Float64Array.of(1, 2),
    xs: new Tensor(Int32Array.of(1, -9, -9, 2, 3, -9), [2, 3]),
    name: Column.copy(['a', 'b']),
    at: [new Tensor(Uint8Array.of(255, 255, 7, 8), [2, 2]), Float64Array.of(5, 6)],
  })
  expect(
    collatePadded(
      [
        [1, Int32Array.of(1)],
        [2, new Int32Array(2)],
      ],
      { values: 4 },
    ),
  ).toEqual([Float64Array.of(1, 2), new Tensor(Int32Array.of(1, 4, 0, 0), [2, 2])])
})

const vector = new Float64Array(2)
const matrix = new Tensor(new Float64Array(4), [2, 2])

type Refusal = readonly [string, readonly unknown[], Padding, RegExp]

const refuses = (items: readonly unknown[], padding: Padding, message: RegExp, kind: unknown) => {
  const run = (): unknown => collatePadded(items, padding)
  expect(run).toThrow(kind)
  expect(run).toThrow(message)
}

test.each<Refusal>([
  ['a longer element', [vector], { shapes: [1] }, /element 0 of the batch has shape 2/],
  ['a wider element', [matrix], { shapes: [null, 1] }, /larger than paddedShapes \[null, 1\]/],
  ['a longer column', [Column.copy(['a', 'b'])], { shapes: [1] }, /larger/],
  ['vectors and matrices', [vector, matrix], {}, /rank/],
  ['vectors and numbers', [vector, 1], {}, /one kind/],
  ['columns of unequal depth', [Column.copy<unknown>(['a', Column.copy(['b'])])], {}, /one kind/],
])('%s is an error of the data', (_, items, padding, message) => {
  refuses(items, padding, message, DataError)
})

test.each<Refusal>([
  ['too many sizes', [vector], { shapes: [null, null] }, /2 sizes.*rank 1/],
  ['sizes of scalars', [3], { shapes: [2] }, /1 sizes.*rank 0/],
  ['sizes of words', ['a'], { shapes: [null] }, /rank 0/],
  ['too few sizes', [matrix], { shapes: [2] }, /rank 2/],
  ['a structure of shapes', [vector], { shapes: { a: [1] } }, /neither tuples nor records/],
  ['a structure of values', [vector], { values: [1] }, /neither tuples nor records/],
  ['a tuple of one shape', [[1, vector]], { shapes: [[]] }, /tuple of 2/],
  ['one shape for a tuple', [[vector, vector]], { shapes: [3, 3] }, /paddedShapes\[0\]/],
  ['an unknown field', [{ a: 1 }], { shapes: { b: [] } }, /record of a/],
  ['an unknown field of values', [{ a: 1 }], { values: { b: 0 } }, /record of a/],
  ['text for numbers', [vector], { values: 'x' }, /paddingValues/],
  ['text for one number', [1], { values: 'x' }, /paddingValues/],
  ['a number for text', [Column.copy(['a'])], { values: 0 }, /paddingValues/],
  ['a fraction for integers', [new Int32Array(1)], { values: 0.5 }, /Int32Array cannot hold/],
  ['-1 for bytes', [{ a: new Uint8Array(1) }], { values: -1 }, /paddingValues\.a is -1/],
  ['dates', [Column.copy([new Date(0)]), Column.copy([])], {}, /nothing stands for a Date/],
])('%s is refused', (_, items, padding, message) => {
  refuses(items, padding, message, InvalidArgumentError)
})

describe('as operators', () => {
  const rows = Dataset.fromArray([[1], [2, 3], [4, 5, 6, 7]].map((row) => Float64Array.from(row)))

  test('what precedes a batch that does not fit is delivered first', async () => {
    const seen: unknown[] = []
    const read = rows
      .paddedBatch(2, { paddedShapes: [3] })
      .forEach((batch) => seen.push(batch.shape))
    await expect(read).rejects.toThrow(/paddedBatch#1 .*element 0 of the batch has shape 4/)
    expect(seen).toEqual([[2, 3]])
  })

  test('wrong options are refused at once', () => {
    const wrong = (paddedShapes: unknown, paddingValues?: unknown) => (): unknown =>
      Dataset.range(3).paddedBatch(2, { paddedShapes, paddingValues } as never)
    expect(wrong([-1])).toThrow(/paddedShapes/)
    expect(wrong([1.5])).toThrow(/paddedShapes/)
    expect(wrong('3')).toThrow(/paddedShapes/)
    expect(wrong([], new Float64Array(1))).toThrow(/paddingValues/)
    expect(() => rows.paddedBatch(0)).toThrow(/size/)
    expect(() => rows.raggedBatch(0)).toThrow(/size/)
  })

  test('other padding is another pipeline', async () => {
    const run = rows.paddedBatch(2, { paddingValues: Number.NaN }).iterate()
    await run.next()
    const checkpoint = run.checkpoint()
    await run.close()
    expect(() => rows.paddedBatch(2).resume(checkpoint)).toThrow(/paddedBatch#1/)
  })

  test('an empty dataset makes no batch', async () => {
    expect(await rows.take(0).paddedBatch(2).toArray()).toEqual([])
    expect(await rows.take(0).raggedBatch(2).toArray()).toEqual([])
  })
})

test('ragged batches hold rows, whatever their lengths; all else as batch does', () => {
  const a = Float32Array.of(1, 2)
  const b = Float32Array.of(3)
  expect(collateRagged([a, b])).toEqual(Column.copy([a, b]))
  expect(collateRagged([a])).toEqual(Column.copy([a]))
  expect(collateRagged([1, 2])).toEqual(Float64Array.of(1, 2))
  expect(
    collateRagged([
      { n: 1, xs: a, t: ['x', b] },
      { n: 2, xs: b, t: ['y', a] },
    ]),
  ).toEqual({
    n: Float64Array.of(1, 2),
    xs: Column.copy([a, b]),
    t: [Column.copy(['x', 'y']), Column.copy([b, a])],
  })
  expect(() => collateRagged([a, 1])).toThrow(DataError)
  expect(() => collateRagged([{ a }, { b }])).toThrow(DataError)
})

test('ragged batches can be batched again', async () => {
  const rows = Dataset.range(5).map((x) => new Uint8Array(x))
  const batches = await rows.raggedBatch(2).batch(2).toArray()
  expect(batches.map((batch) => batch.map((column) => column.map((row) => row.length)))).toEqual([
    [
      [0, 1],
      [2, 3],
    ],
    [[4]],
  ])
})
