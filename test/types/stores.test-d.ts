import { Dataset } from 'millstream'
import { expectTypeOf, test } from 'vitest'

const rows = Dataset.range(10).map((id) => ({ id, name: `n${id}` }))

test('unique keeps the element type', () => {
  expectTypeOf(rows.unique()).toEqualTypeOf(rows)
  expectTypeOf(rows.unique((row) => row.name, { memory: 1e6 })).toEqualTypeOf(rows)
  // @ts-expect-error there is no such field
  rows.unique((row) => row.nam)
})

test('groupBy infers key, state and result', () => {
  const counts = rows.groupBy((row) => row.name, { init: () => 0, reduce: (n) => n + 1 })
  expectTypeOf(counts).toEqualTypeOf<Dataset<readonly [string, number]>>()
  const sums = rows.groupBy((row) => row.id % 2 === 0, {
    init: () => ({ sum: 0 }),
    reduce: ({ sum }, row) => ({ sum: sum + row.id }),
    finalize: ({ sum }, even) => ({ sum, even }),
  })
  expectTypeOf(sums).toEqualTypeOf<Dataset<{ sum: number; even: boolean }>>()
  // @ts-expect-error a record is no key
  rows.groupBy((row) => row, { init: () => 0, reduce: (n: number) => n })
  // @ts-expect-error the state is a number
  rows.groupBy((row) => row.id, { init: () => 0, reduce: (n) => `${n}` })
})

test('split gives a record of its parts', () => {
  const { train, test: tests } = rows.split({ key: (row) => row.id, test: 0.05, seed: 1 })
  expectTypeOf(train).toEqualTypeOf(rows)
  expectTypeOf(tests).toEqualTypeOf(rows)
  const named = rows.split({ fit: 'rest', dev: 0.1 })
  expectTypeOf<keyof typeof named>().toEqualTypeOf<'fit' | 'dev'>()
  const three = rows.split({ train: 0.8, dev: 0.1, test: 0.1 })
  expectTypeOf<keyof typeof three>().toEqualTypeOf<'train' | 'dev' | 'test'>()
  // @ts-expect-error there is no such part
  void rows.split({ test: 0.1 }).dev
  // @ts-expect-error there is no such field
  rows.split({ key: (row) => row.nam, test: 0.1 })
  // @ts-expect-error a part is a fraction or 'rest'
  rows.split({ test: 'most' })
})

test('save and load', () => {
  expectTypeOf(Dataset.load('rows')).toEqualTypeOf<Dataset<unknown>>()
  expectTypeOf(Dataset.load<{ id: number }>('rows')).toEqualTypeOf<Dataset<{ id: number }>>()
  expectTypeOf(rows.save('rows', { overwrite: true, seed: 1 })).resolves.toBeNumber()
})
