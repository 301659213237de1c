import { type Checkpoint, Dataset, inline, type Place, threads } from 'millstream'
import { firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'
import { failing, noisy, slowEven } from './fixtures/stages.ts'

const places: readonly Place[] = [inline, threads(1), threads(2)]

const pipeline = (place: Place): Dataset<number> =>
  Dataset.range(60)
    .shuffle(20, { seed: 3 })
    .map(noisy.on(place))
    .filter((x) => x % 5 !== 0)
    .map(slowEven.on(place))
    .repeat(2)

test('a stage gives the same in every place, order and random numbers included', async () => {
  const outputs = []
  for (const place of places) outputs.push(await pipeline(place).toArray({ epoch: 0 }))
  expect(outputs[1]).toEqual(outputs[0])
  expect(outputs[2]).toEqual(outputs[0])
  expect(outputs[0]?.length).toBeGreaterThan(60)
})

test('a checkpoint of two threads resumes on one, and in this thread', async () => {
  const whole = await pipeline(inline).toArray({ epoch: 0 })
  for (const at of [0, 17, 70]) {
    const run = pipeline(threads(2)).iterate({ epoch: 0, chunk: 3 })
    const before = await takeFrom(run, at)
    const checkpoint = run.checkpoint()
    await run.close()
    for (const place of [inline, threads(1)]) {
      const after = await firstOf(pipeline(place).resume(checkpoint), 1000)
      expect([...before, ...after]).toEqual(whole)
    }
  }
})

test('a stage with other parameters is another pipeline', async () => {
  const run = Dataset.range(3).map(noisy.on(inline)).iterate()
  const checkpoint = run.checkpoint()
  await run.close()
  expect(() => Dataset.range(3).map(failing.on(inline)).resume(checkpoint)).toThrow(/mapAsync#1/)
})

test.each(places)('results of $name leave as they finish, each once', async (place) => {
  const ds = Dataset.range(60).map(slowEven.on(place), { deterministic: false })
  const run = ds.iterate({ chunk: 3 })
  const before = await takeFrom(run, 23)
  const checkpoint = JSON.parse(JSON.stringify(run.checkpoint())) as Checkpoint
  await run.close()
  const after = await firstOf(ds.resume(checkpoint), 1000)
  expect([...before, ...after].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 60 }, (_, k) => k),
  )
})

test.each(places)('what fails in $name fails at its position', async (place) => {
  const out: number[] = []
  const run = async (): Promise<void> => {
    for await (const x of Dataset.range(40).map(failing.on(place))) out.push(x)
  }
  await expect(run()).rejects.toMatchObject({
    code: 'MILLSTREAM_STAGE_FAILED',
    index: 3,
    cause: { name: 'RangeError' },
  })
  expect(out).toEqual([0, 1, 2])
})

test.each(places)('what fails in $name can be left out', async (place) => {
  const run = Dataset.range(40).map(failing.on(place), { onError: 'skip' }).iterate()
  const out = await firstOf(run, 100)
  expect(out).toEqual(Array.from({ length: 40 }, (_, k) => k).filter((x) => x % 10 !== 3))
  expect(run.skipped).toBe(4)
})
