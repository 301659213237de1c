import { expect, test } from 'vitest'
import { threads } from '../../src/place/index.ts'
import { double } from './fixtures/stages.ts'

test('a stage runs on threads', async () => {
  const pool = await double.on(threads(2)).open(new AbortController().signal)
  const result = await pool.run({ items: [1, 2, 3], first: 0, key: 1 })
  expect(result.values).toEqual([2, 4, 6])
  await pool.close()
})
