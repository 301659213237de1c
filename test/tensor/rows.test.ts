import * as fc from 'fast-check'
import { Column, DataError, Tensor } from 'millstream'
import { expect, test } from 'vitest'
import { batchLength, joinRows, sliceAt, sliceRows } from '../../src/tensor/index.ts'

/** A batch of `n` rows of each kind there is. */
const batchOf = (n: number): unknown => ({
  number: Float64Array.from({ length: n }, (_, i) => i),
  vector: new Tensor(
    Int16Array.from({ length: 2 * n }, (_, i) => i),
    [n, 2],
  ),
  tensor: new Tensor(
    Float32Array.from({ length: 6 * n }, (_, i) => i),
    [n, 3, 2],
  ),
  empty: new Tensor(new Float32Array(0), [n, 0, 4]),
  text: Column.copy(Array.from({ length: n }, (_, i) => `t${i}`)),
  pair: [Buffer.from(Array.from({ length: n }, (_, i) => i)), Column.copy(new Array(n).fill(null))],
})

const rowsOf = (batch: unknown): unknown[] =>
  Array.from({ length: batchLength(batch) }, (_, i) => sliceAt(batch, i))

test('slices of a batch hold its rows, and joined they are all of them', () => {
  fc.assert(
    fc.property(fc.nat({ max: 9 }), fc.array(fc.nat({ max: 9 }), { maxLength: 3 }), (n, cuts) => {
      const batch = batchOf(n)
      const places = [0, ...cuts.filter((cut) => cut < n).sort((a, b) => a - b), n]
      const slices = places.slice(1).map((to, k) => sliceRows(batch, places[k] ?? 0, to))
      expect(slices.flatMap(rowsOf)).toEqual(rowsOf(batch))
      expect(rowsOf(joinRows(slices))).toEqual(rowsOf(batch))
    }),
  )
})

test('one batch is joined by leaving it as it is; bytes of a pool are copied', () => {
  const batch = batchOf(3)
  expect(joinRows([batch])).toBe(batch)
  const joined = joinRows([Buffer.from([1]), Uint8Array.of(2)])
  expect(joined).toEqual(Uint8Array.of(1, 2))
})

const matrix = (rows: number, width: number): Tensor =>
  new Tensor(new Float64Array(rows * width), [rows, width])

test.each([
  ['kinds', [new Float64Array(1), Column.copy(['a'])]],
  ['kinds of numbers', [new Float64Array(1), new Int32Array(1)]],
  ['kinds of numbers in tensors', [matrix(1, 2), new Tensor(new Int8Array(2), [1, 2])]],
  ['shapes', [matrix(1, 2), matrix(1, 3)]],
  ['ranks', [matrix(1, 2), new Tensor(new Float64Array(2), [1, 2, 1])]],
  ['text and numbers', [Column.copy(['a']), new Float64Array(1)]],
  ['fields', [{ a: new Float64Array(1) }, { b: new Float64Array(1) }]],
  ['tuples', [[new Float64Array(1)], [new Float64Array(1), new Float64Array(1)]]],
])('batches of unequal %s cannot be joined', (_, batches) => {
  expect(() => joinRows(batches)).toThrow(DataError)
})
