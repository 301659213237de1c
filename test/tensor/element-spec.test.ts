import { inspect } from 'node:util'
import { Column, Dataset, ElementSpec, Tensor } from 'millstream'
import { expect, test } from 'vitest'

test.each([
  [1, 'number'],
  ['a', 'string'],
  [true, 'boolean'],
  [1n, 'bigint'],
  [null, 'null'],
  [undefined, 'undefined'],
  [new Date(), 'Date'],
  [new Map(), 'Map'],
  [new Float64Array(3), 'float64[3]'],
  [Buffer.from('ab'), 'uint8[2]'],
  [new Uint8ClampedArray(2), 'uint8clamped[2]'],
  [new Tensor(new Int32Array(6), [2, 3]), 'int32[2, 3]'],
  [Column.copy(['a', 'b']), 'Column<string>[2]'],
  [new Column(), 'Column<unknown>[0]'],
  [[1, 'a'], '[number, string]'],
  [{}, '{}'],
  [{ id: 1, 'a-b': [{ x: new Uint8Array(2) }] }, '{ id: number, "a-b": [{ x: uint8[2] }] }'],
])('%o is %s', (x, text) => {
  expect(String(ElementSpec.of(x))).toBe(text)
})

test('a dataset tells what its first element is made of, without counting as a pass', async () => {
  const photos = Dataset.range(10).map((id) => ({ id, bytes: new Uint8Array(4), name: `${id}` }))
  const spec = await photos.batch(4).elementSpec()
  expect(inspect(spec)).toBe('{ id: float64[4], bytes: uint8[4, 4], name: Column<string>[4] }')
  expect(spec?.structure.kind).toBe('record')
  expect(JSON.parse(JSON.stringify(await photos.elementSpec()))).toEqual({
    kind: 'record',
    members: {
      id: { kind: 'value', type: 'number' },
      bytes: { kind: 'tensor', dtype: 'uint8', shape: [4] },
      name: { kind: 'value', type: 'string' },
    },
  })
  expect(await photos.take(0).elementSpec()).toBeUndefined()
  const shuffled = Dataset.range(50).shuffle(50)
  const twin = Dataset.range(50).shuffle(50)
  await shuffled.elementSpec()
  expect(await shuffled.toArray()).toEqual(await twin.toArray())
})

test('it makes one element', async () => {
  let made = 0
  const ds = Dataset.range(100).map((x) => {
    made++
    return x
  })
  expect(String(await ds.elementSpec())).toBe('number')
  expect(made).toBe(1)
})
