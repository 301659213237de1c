import { expect, test } from 'vitest'
import { jsonLine } from '../../src/formats/json-line.ts'
import { Column, Tensor } from '../../src/tensor/index.ts'

test.each([
  [{ a: 1, b: 'x', c: null, d: [true, undefined] }, '{"a":1,"b":"x","c":null,"d":[true,null]}'],
  [undefined, 'null'],
  [new Float32Array([0.1, 1 / 3, 16_777_216]), '[0.1,0.33333334,16777216]'],
  [new Float64Array([0.1, Number.NaN, -Infinity]), '[0.1,"NaN","-Infinity"]'],
  [new BigInt64Array([1n]), '["1"]'],
  [Buffer.from([1, 2]), '[1,2]'],
  [new Uint8Array([9, 8]).buffer, '[9,8]'],
  [new DataView(new Uint8Array([9, 8]).buffer, 1), '[8]'],
  [new Tensor(new Uint8Array([1, 2, 3, 4, 5, 6]), [2, 3]), '[[1,2,3],[4,5,6]]'],
  [new Tensor(new Float32Array([0.1, 0.2]), [2, 1, 1]), '[[[0.1]],[[0.2]]]'],
  [Column.copy(['a', 'b']), '["a","b"]'],
  [new Map([['k', new Set([1])]]), '[["k",[1]]]'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  [new Date(Number.NaN), 'null'],
  [new RangeError('far'), '{"error":"RangeError","message":"far"}'],
  [12n, '"12"'],
  ['line\nfeed', '"line\\nfeed"'],
])('%o is %s', (value, line) => {
  expect(jsonLine(value)).toBe(line)
})

test('for people, long arrays are cut and the rest is counted', () => {
  expect(jsonLine(new Uint8Array(100), { shown: 2 })).toBe('[0,0,"... 98 more"]')
  expect(jsonLine([1, 2, 3], { shown: 2 })).toBe('[1,2,"... 1 more"]')
  const tensor = new Tensor(new Uint8Array(12), [4, 3])
  expect(jsonLine(tensor, { shown: 2 })).toBe(
    '[[0,0,"... 1 more"],[0,0,"... 1 more"],"... 2 more"]',
  )
})

test('the same object twice is fine; one in itself is an error', () => {
  const part = { a: 1 }
  expect(jsonLine([part, part])).toBe('[{"a":1},{"a":1}]')
  const circle: { self?: unknown } = {}
  circle.self = circle
  expect(() => jsonLine(circle)).toThrow(TypeError)
})
