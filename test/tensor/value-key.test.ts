import { expect, test } from 'vitest'
import { InvalidArgumentError } from 'millstream'
import { Column, Tensor } from '../../src/tensor/index.ts'
import { digestOf, digestOfKey, keyOf } from '../../src/tensor/value-key.ts'

const long = 'x'.repeat(200)

/** Values of one row are equal, values of two rows are not. */
const rows: readonly (readonly unknown[])[] = [
  [0, -0],
  [1],
  [1n],
  ['1'],
  [true],
  [false],
  [NaN, Number('no')],
  [Infinity],
  [null],
  [undefined],
  [''],
  ['#1'],
  ['=1'],
  ['\ud800'],
  ['\ud801'],
  [long, 'x'.repeat(200)],
  [`${long}y`],
  [[], []],
  [
    [1, '2'],
    [1, '2'],
  ],
  [[1, 2]],
  [[[1], 2]],
  [[1, [2]]],
  [['1,2']],
  [{}, Object.create(null)],
  [
    { a: 1, b: 2 },
    { b: 2, a: 1 },
  ],
  [{ a: 1, b: undefined }],
  [{ a: 1 }],
  [{ a: { b: 1 } }],
  [Column.copy([1, 2])],
  [Column.copy([1, '2'])],
  [Float64Array.of(1, 2), Float64Array.of(0, 1, 2).subarray(1)],
  [Float32Array.of(1, 2)],
  [Float64Array.of(0, NaN), Float64Array.of(-0, NaN)],
  [Uint8Array.of(1, 2), Buffer.from([1, 2])],
  [Int8Array.of(1, 2)],
  [BigInt64Array.of(1n)],
  [new DataView(new ArrayBuffer(2))],
  [new ArrayBuffer(2)],
  [new Tensor(Float32Array.of(1, 2, 3, 4), [2, 2])],
  [new Tensor(Float32Array.of(1, 2, 3, 4), [4, 1])],
  [new Date(5), new Date(5)],
  [new Date(6)],
  [new Date(NaN), new Date('no')],
  [
    new Map([
      ['a', 1],
      ['b', 2],
    ] as const),
    new Map([
      ['b', 2],
      ['a', 1],
    ] as const),
  ],
  [
    new Map([
      ['a', 2],
      ['b', 1],
    ] as const),
  ],
  [new Set([1, 2]), new Set([2, 1])],
  [new Set([[1], [2]]), new Set([[2], [1]])],
]

test('keys are equal as the values are', () => {
  const all = rows.flatMap((row, k) => row.map((value) => ({ value, k })))
  for (const a of all) {
    for (const b of all) {
      const same = new Set([keyOf(a.value), keyOf(b.value)]).size === 1
      expect({ a: a.value, b: b.value, same }).toEqual({
        a: a.value,
        b: b.value,
        same: a.k === b.k,
      })
    }
  }
})

test('a digest of a key is that of its value, and the same for ever', () => {
  for (const value of rows.flat()) expect(digestOfKey(keyOf(value))).toBe(digestOf(value))
  expect(Buffer.from(digestOf({ id: 7, name: 'Ada' }), 'latin1').toString('hex')).toBe(
    '8b0593dfeb6c1d8a18df512a2a1ceba1',
  )
  expect(digestOf(new Float64Array(300_000))).toBe(digestOf(new Float64Array(300_000)))
})

test('what has no value is refused', () => {
  class Point {
    x = 1
  }
  const circle: unknown[] = []
  circle.push(circle)
  expect(() => keyOf(new Point())).toThrow(
    /a Point has no value that could be compared; give a key/,
  )
  expect(() => keyOf({ f: () => 1 })).toThrow(/a function has no value/)
  expect(() => keyOf(Symbol('s'))).toThrow(/a symbol has no value/)
  expect(() => keyOf(Promise.resolve())).toThrow(InvalidArgumentError)
  expect(() => keyOf(circle)).toThrow(/in a circle/)
})
