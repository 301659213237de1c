import {
  Dataset,
  InvalidArgumentError,
  type RunEvent,
  StageError,
  ValidationError,
} from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'
import * as z from 'zod'

const User = z.object({
  id: z.coerce.number().int(),
  name: z.string().min(2).default('nobody'),
  tags: z.array(z.object({ key: z.string() })).default([]),
})

const rows: readonly unknown[] = [
  { id: '1', name: 'Ada' },
  { id: 2 },
  { id: 3, name: 'x', tags: [{ key: 'a' }, { key: 7 }] },
  'no user at all',
  { id: 5, name: 'Eve', extra: true },
]

const shapes = [{}, { codegen: false }, { chunk: 1 }]

test.each(shapes)('elements come out as the schema makes them (%j)', async (shape) => {
  const users = Dataset.fromArray(rows).take(2).validate(User)
  expect(await users.toArray(shape)).toEqual([
    { id: 1, name: 'Ada', tags: [] },
    { id: 2, name: 'nobody', tags: [] },
  ])
  expect(users.cardinality()).toBe(2)
})

test.each(shapes)(
  'an error names stage, element, path and reason of each issue (%j)',
  async (shape) => {
    const got: unknown[] = []
    const error: unknown = await Dataset.fromArray(rows)
      .validate(User)
      .forEach((x) => got.push(x), shape)
      .catch((e: unknown) => e)
    expect(got).toHaveLength(2)
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({ stage: 'validate#1', index: 2 })
    expect((error as Error).message).toMatch(
      /^validate#1 \(.*validate\.test\.ts:\d+\) failed on element 2: name: .*>=2.*; tags\[1\]\.key: .*expected string/,
    )
    const { cause } = error as StageError
    expect(cause).toBeInstanceOf(ValidationError)
    expect(cause).toMatchObject({
      code: 'MILLSTREAM_INVALID_ELEMENT',
      issues: [{ path: 'name' }, { path: 'tags[1].key' }],
    })
  },
)

test.each(shapes)('elements are counted where the schema sees them (%j)', async (shape) => {
  const wrong = Dataset.range(20)
    .filter((x) => x % 2 === 1)
    .validate(z.number().max(10))
    .toArray(shape)
  await expect(wrong).rejects.toMatchObject({ stage: 'validate#1', index: 5 })
})

test('an issue of the element itself has no path', async () => {
  const wrong = Dataset.fromArray<unknown>(['no']).validate(z.number()).toArray()
  await expect(wrong).rejects.toThrow(/element 0: Invalid input: expected number/)
})

test.each(shapes)('skip leaves out, counts and reports (%j)', async (shape) => {
  const events: RunEvent[] = []
  const run = Dataset.fromArray(rows)
    .filter((x) => typeof x !== 'string')
    .validate(User, { onError: 'skip' })
    .iterate({ ...shape, observe: (event) => events.push(event) })
  const ids: number[] = []
  for await (const { id } of run) ids.push(id)
  expect(ids).toEqual([1, 2, 5])
  expect(run.skipped).toBe(1)
  expect(events.filter(({ type }) => type === 'skip')).toMatchObject([
    {
      stage: 'keepValid#1',
      index: 2,
      element: rows[2],
      error: expect.any(ValidationError) as Error,
    },
  ])
})

test('dead letters keep what was refused, and why; maxErrors ends the run after all', async () => {
  const run = Dataset.fromArray(rows).validate(User, { onError: 'deadLetter' }).iterate()
  const ids: number[] = []
  for await (const { id } of run) ids.push(id)
  expect(ids).toEqual([1, 2, 5])
  expect(run.deadLetters).toMatchObject([
    { index: 2, element: rows[2], error: { issues: [{ path: 'name' }, { path: 'tags[1].key' }] } },
    { index: 3, element: rows[3], error: expect.any(ValidationError) as Error },
  ])
  for (const onError of ['skip', 'deadLetter'] as const) {
    const limited = Dataset.fromArray(rows).validate(User, { onError, maxErrors: 1 }).toArray()
    await expect(limited).rejects.toThrow(/element 3/)
  }
})

const Even = z.number().refine(async (x) => {
  await new Promise(setImmediate)
  return x % 2 === 0
}, 'must be even')

test('an asynchronous schema needs parallelism, and says so', async () => {
  for (const onError of ['fail', 'skip'] as const) {
    const wrong = Dataset.range(3).validate(Even, { onError }).toArray()
    await expect(wrong).rejects.toThrow(InvalidArgumentError)
    await expect(wrong).rejects.toThrow(/validate\(schema, \{ parallelism: 16 \}\)/)
  }
  const run = Dataset.range(9).validate(Even, { onError: 'skip', parallelism: 3 }).iterate()
  const got: number[] = []
  for await (const x of run) got.push(x)
  expect(got).toEqual([0, 2, 4, 6, 8])
  expect(run.skipped).toBe(4)
  const failing = Dataset.range(9).validate(Even, { parallelism: 3 }).toArray()
  await expect(failing).rejects.toMatchObject({
    index: 1,
    fn: 'validate',
    cause: { issues: [{ path: '', message: 'must be even' }] },
  })
})

test('it is part of the loop, resumes anywhere, and may stand below a global shuffle', async () => {
  const positive = z.number().transform((x) => ({ x }))
  const ds = Dataset.range(60).validate(positive).shuffle('global', { seed: 1 })
  expect(ds.explain()).toMatch(/segment 1 +one loop, generated: .*validate#1/)
  await checkResume(ds)
  const small = z.number().max(40)
  await checkResume(
    Dataset.range(60)
      .map((x) => (x * 7) % 60)
      .validate(small, { onError: 'skip' })
      .batch(3),
  )
})

test('what is no schema is refused', () => {
  expect(() => Dataset.range(3).validate({} as never)).toThrow(/takes a Standard Schema/)
  expect(() => Dataset.range(3).validate(undefined as never)).toThrow(/not undefined/)
})
