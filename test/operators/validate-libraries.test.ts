import { type } from 'arktype'
import { Dataset, type StageError, type ValidationError } from 'millstream'
import * as v from 'valibot'
import { expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'

/** The same schema of each library: texts become numbers, tags may be missing. */
const zod = z.object({
  id: z.string().transform(Number),
  tags: z.array(z.object({ key: z.string() })).default([]),
})
const valibot = v.object({
  id: v.pipe(v.string(), v.transform(Number)),
  tags: v.optional(v.array(v.object({ key: v.string() })), []),
})
const arktype = type({
  id: type('string').pipe(Number),
  tags: type({ key: 'string' })
    .array()
    .default(() => []),
})

const rows: readonly unknown[] = [
  { id: '7' },
  { id: '8', tags: [{ key: 'a' }] },
  { id: 9, tags: [{ key: 'a' }, { key: 1 }] },
]

test('each gives the element type', () => {
  interface Row {
    id: number
    tags: { key: string }[]
  }
  const ds = Dataset.fromArray(rows)
  expectTypeOf(ds.validate(zod)).toEqualTypeOf<Dataset<Row>>()
  expectTypeOf(ds.validate(valibot)).toEqualTypeOf<Dataset<Row>>()
  expectTypeOf(ds.validate(arktype)).toEqualTypeOf<Dataset<Row>>()
})

test.each([
  ['zod', zod],
  ['valibot', valibot],
  ['arktype', arktype],
])('%s: output, paths of issues, and skipping', async (_, schema) => {
  const ds = Dataset.fromArray(rows)
  expect(await ds.take(2).validate(schema).toArray()).toEqual([
    { id: 7, tags: [] },
    { id: 8, tags: [{ key: 'a' }] },
  ])
  const error: unknown = await ds
    .validate(schema)
    .toArray()
    .catch((e: unknown) => e)
  expect(error).toMatchObject({ stage: 'validate#1', index: 2 })
  const { issues } = (error as StageError).cause as ValidationError
  expect(issues.map(({ path }) => path)).toEqual(['id', 'tags[1].key'])
  for (const { message } of issues) expect(message).toMatch(/string/)
  const run = ds.validate(schema, { onError: 'skip' }).iterate()
  let left = 0
  for await (const { tags } of run) left += tags.length
  expect([left, run.skipped]).toEqual([1, 1])
})

test('an asynchronous schema of another library', async () => {
  const even = v.pipeAsync(
    v.number(),
    v.checkAsync(async (x) => x % 2 === 0, 'must be even'),
  )
  const ds = Dataset.range(6).validate(even, { onError: 'skip', parallelism: 2 })
  expectTypeOf(ds).toEqualTypeOf<Dataset<number>>()
  expect(await ds.toArray()).toEqual([0, 2, 4])
  await expect(Dataset.range(6).validate(even).toArray()).rejects.toThrow(/parallelism/)
})
