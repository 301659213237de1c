import { DataError, Dataset, StageError } from 'millstream'
import { expect, test } from 'vitest'

/** Records whose shape changes at `at`: loops that know the fields of the first batch meet others. */
const records = (at: number, other: (i: number) => object): Dataset<object> =>
  Dataset.range(20).map((i) => (i < at ? { id: i, value: i * 2 } : other(i)))

test.each([undefined, 1, 3])('columns of records, read in chunks of %s', async (chunk) => {
  const ds = Dataset.range(10).map((i) => ({ id: i, value: i * 2 }))
  const batches = await ds.batch(4).toArray(chunk === undefined ? {} : { chunk })
  expect(batches).toEqual([
    { id: Float64Array.of(0, 1, 2, 3), value: Float64Array.of(0, 2, 4, 6) },
    { id: Float64Array.of(4, 5, 6, 7), value: Float64Array.of(8, 10, 12, 14) },
    { id: Float64Array.of(8, 9), value: Float64Array.of(16, 18) },
  ])
  expect(await ds.batch(4).take(1).toArray()).toEqual(batches.slice(0, 1))
})

test.each([
  ['a field more', (i: number) => ({ id: i, value: i, note: i })],
  ['a field less', (i: number) => ({ id: i })],
  ['another field', (i: number) => ({ id: i, other: i })],
  ['text in a field of numbers', (i: number) => ({ id: i, value: `${i}` })],
  ['a number', (i: number) => i as unknown as object],
  ['a Date', (i: number) => new Date(i)],
])('a record with %s is refused in a batch of others', async (_, other) => {
  for (const chunk of [1, 2, 7, 1000]) {
    const batches: unknown[] = []
    const read = async (): Promise<void> => {
      for await (const batch of records(10, other).batch(4).iterate({ chunk })) batches.push(batch)
    }
    const error: unknown = await read().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(StageError)
    expect((error as StageError).cause).toBeInstanceOf(DataError)
    expect(batches).toHaveLength(2)
  }
})

test('batches of records of another shape follow those of the first', async () => {
  const ds = records(8, (i) => ({ name: `n${i}` })).batch(4)
  const batches = await ds.toArray()
  expect(batches.map((batch) => Object.keys(batch))).toEqual([
    ['id', 'value'],
    ['id', 'value'],
    ['name'],
    ['name'],
    ['name'],
  ])
  expect(await ds.toArray({ codegen: false })).toEqual(batches)
})

test('fields in another order are the same record', async () => {
  const batches = await records(4, (i) => ({ value: i * 2, id: i }))
    .batch(8)
    .toArray()
  expect(batches[0]).toEqual({
    id: Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    value: Float64Array.of(0, 2, 4, 6, 8, 10, 12, 14),
  })
})

test('names of fields are data, not code', async () => {
  const name = '"]; throw new Error("code"); //'
  const batches = await Dataset.range(6)
    .map((i) => ({ [name]: i, [`a\n${name}`]: 1 }))
    .batch(2)
    .toArray()
  expect(batches.map((batch) => batch[name]?.[0])).toEqual([0, 2, 4])
})

test.each([true, false])(
  'an error counts the elements of its own stage (generated: %s)',
  async (codegen) => {
    const ds = Dataset.range(100)
      .filter((x) => x % 2 === 0)
      .map((x) => x / 2)
      .batch(4)
      .unbatch()
      .map((x) => {
        if (x === 31) throw new Error('no 31')
        return x
      })
    for (const chunk of [1, 5, 1000]) {
      const error: unknown = await ds.toArray({ codegen, chunk }).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(StageError)
      expect(error).toMatchObject({ stage: 'map#2', index: 31 })
    }
    const behindFilter = Dataset.range(100)
      .filter((x) => x % 10 === 0)
      .map((x) => {
        if (x === 70) throw new Error('no 70')
        return x
      })
    await expect(behindFilter.toArray({ codegen })).rejects.toMatchObject({ index: 7 })
  },
)

test('records written as literals right before the batch: the same columns, and the same refusal', async () => {
  for (const chunk of [1, 3, 1000]) {
    const literal = Dataset.range(9).map((i) => ({ id: i, value: 2 * i }))
    const batches: unknown[] = []
    for await (const batch of literal.batch(4).iterate({ chunk })) batches.push(batch)
    expect(batches).toEqual(
      await literal
        .filter(() => true)
        .batch(4)
        .toArray(),
    )
    expect(batches).toHaveLength(3)
    const odd = Dataset.range(9).map((i) => ({ id: i, value: i === 6 ? 'six' : i }))
    await expect(odd.batch(4).toArray()).rejects.toThrow(/element 2 is the string six/)
  }
})
