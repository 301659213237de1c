import { Dataset } from 'millstream'
import { expectTypeOf, test } from 'vitest'

const rows = Dataset.range(10).map((id) => ({ id, name: `n${id}` }))

test('unique keeps the element type', () => {
  expectTypeOf(rows.unique()).toEqualTypeOf(rows)
  expectTypeOf(rows.unique((row) => row.name, { memory: 1e6 })).toEqualTypeOf(rows)
  // @ts-expect-error there is no such field
  rows.unique((row) => row.nam)
})
