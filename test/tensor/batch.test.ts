import * as fc from 'fast-check'
import { Column, DataError, InvalidArgumentError, Tensor } from 'millstream'
import { expect, test } from 'vitest'
import { batchLength, collate, sliceAt } from '../../src/tensor/index.ts'

/** Elements of one random structure: numbers, texts, vectors, tensors, tuples, records. */
const elements: fc.Arbitrary<readonly unknown[]> = fc
  .letrec<{ shape: (k: number) => unknown }>((tie) => ({
    shape: fc.oneof(
      { maxDepth: 3 },
      fc.constant((k: number) => k * 1.5),
      fc.constant((k: number) => `text ${k}`),
      fc.constant((k: number) => k % 2 === 0),
      fc
        .integer({ min: 0, max: 4 })
        .map((n) => (k: number) => Float32Array.from({ length: n }, (_, i) => k + i)),
      fc.constant((k: number) => new Tensor(Uint8Array.from([k, k + 1, k + 2, k, 1, 2]), [2, 3])),
      fc
        .array(tie('shape'), { minLength: 1, maxLength: 3 })
        .map((parts) => (k: number) => parts.map((part) => part(k))),
      fc
        .dictionary(fc.constantFrom('a', 'b', 'c'), tie('shape'), {
          minKeys: 1,
          maxKeys: 3,
          noNullPrototype: true,
        })
        .map(
          (parts) => (k: number) =>
            Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part(k)])),
        ),
    ),
  }))
  .shape.chain((shape) =>
    fc.integer({ min: 1, max: 5 }).map((n) => Array.from({ length: n }, (_, k) => shape(k))),
  )

test('the elements of a batch are those it was made of, to any depth', () => {
  fc.assert(
    fc.property(elements, (items) => {
      const batch = collate(items)
      expect(batchLength(batch)).toBe(items.length)
      expect(items.map((_, k) => sliceAt(batch, k))).toEqual(items)
      const twice = collate([batch, batch])
      expect(sliceAt(sliceAt(twice, 1), 0)).toEqual(items[0])
    }),
  )
})

test('batches have the kinds that the table in docs/operators.md says', () => {
  expect(collate([1, 2])).toEqual(Float64Array.of(1, 2))
  expect(collate([Uint8Array.of(1, 2), Uint8Array.of(3, 4)])).toEqual(
    new Tensor(Uint8Array.of(1, 2, 3, 4), [2, 2]),
  )
  expect(collate(['a', 'b'])).toEqual(Column.copy(['a', 'b']))
  expect(
    collate([
      [1, 'a'],
      [2, 'b'],
    ]),
  ).toEqual([Float64Array.of(1, 2), Column.copy(['a', 'b'])])
  expect(collate([Buffer.from([1]), Buffer.from([2])])).toEqual(
    new Tensor(Uint8Array.of(1, 2), [2, 1]),
  )
})

test.each([
  ['kinds', [1, 'a']],
  ['lengths', [new Float64Array(1), new Float64Array(2)]],
  ['shapes', [new Tensor(new Uint8Array(4), [2, 2]), new Tensor(new Uint8Array(4), [1, 4])]],
  ['tuples', [[1, 2], [1]]],
  ['fields', [{ a: 1 }, { b: 1 }]],
  ['nested fields', [{ a: { b: 1 } }, { a: { b: 'x' } }]],
])('elements of unequal %s are refused', (_, items) => {
  expect(() => collate(items)).toThrow(DataError)
})

test.each([[3], ['text'], [{}]])('%j cannot be unbatched', (value) => {
  expect(() => batchLength(value)).toThrow(InvalidArgumentError)
})

test('members of unequal length are no batch', () => {
  const batch = { a: new Float64Array(1), b: new Float64Array(2) }
  expect(() => batchLength(batch)).toThrow(DataError)
})
