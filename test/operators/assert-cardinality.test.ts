import { DataError, Dataset, StageError } from 'millstream'
import { checkResume, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

const five = Dataset.fromGenerator(() => [0, 1, 2, 3, 4])

/** What came out before an error, and the error. */
async function outcome(ds: Dataset<number>, chunk: number): Promise<readonly [number[], unknown]> {
  const got: number[] = []
  const error: unknown = await ds.forEach((x) => got.push(x), { chunk }).catch((e: unknown) => e)
  return [got, error]
}

test('the right number passes, and is known before the run', async () => {
  const ds = five.assertCardinality(5)
  expect(five.cardinality()).toBeUndefined()
  expect(ds.cardinality()).toBe(5)
  expect(ds.batch(2).cardinality()).toBe(3)
  expect(await ds.toArray()).toEqual([0, 1, 2, 3, 4])
  await checkResume(ds.repeat(2))
})

test.each([1, 2, 1000])(
  'a wrong number is an error behind what there is (chunk %i)',
  async (chunk) => {
    const [got, error] = await outcome(five.assertCardinality(7), chunk)
    expect(got).toEqual([0, 1, 2, 3, 4])
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({
      stage: 'assertCardinality#1',
      index: 5,
      message: expect.stringContaining('ended after 5 elements, but 7 were asserted') as string,
      cause: expect.any(DataError) as Error,
    })
    const [first, more] = await outcome(five.assertCardinality(3), chunk)
    expect(first).toEqual([0, 1, 2])
    expect(more).toMatchObject({
      index: 3,
      message: expect.stringContaining('has more elements, but 3 were asserted') as string,
    })
  },
)

test('what is not asked for is not an error', async () => {
  expect(await five.assertCardinality(3).take(3).toArray()).toEqual([0, 1, 2])
})

test('without end', async () => {
  const ds = Dataset.fromGenerator(function* () {
    for (let k = 0; ; k++) yield k
  }).assertCardinality(Infinity)
  expect(ds.cardinality()).toBe(Infinity)
  expect(await ds.take(2).toArray()).toEqual([0, 1])
  await expect(five.assertCardinality(Infinity).toArray()).rejects.toThrow(/Infinity were asserted/)
})

test('a checkpoint before the error comes to it again', async () => {
  const ds = five.assertCardinality(3)
  const run = ds.iterate()
  await takeFrom(run, 3)
  await expect(run.next()).rejects.toThrow(StageError)
  await expect(ds.resume(run.checkpoint()).next()).rejects.toMatchObject({ index: 3 })
})

test('arguments are checked', () => {
  expect(() => five.assertCardinality(-1)).toThrow(/count must be a whole number of at least 0/)
  expect(() => five.assertCardinality(1.5)).toThrow(/whole number/)
})
