import { Dataset, StageError } from 'millstream'
import { checkResume, firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

const shapes = [{}, { chunk: 1 }, { chunk: 3, codegen: false }]

test.each(shapes)('arrays, datasets and empty ones, in their order: %j', async (shape) => {
  const ds = Dataset.range(6).flatMap((x) =>
    x % 2 === 0 ? new Array<number>(x).fill(x) : Dataset.range(x),
  )
  expect(await ds.toArray(shape)).toEqual([0, 2, 2, 0, 1, 2, 4, 4, 4, 4, 0, 1, 2, 3, 4])
})

test('an array or dataset far longer than a chunk is delivered in parts, and resumes within', async () => {
  const ds = Dataset.range(3).flatMap((x) => {
    const items = Array.from({ length: 5000 }, (_, k) => 5000 * x + k)
    return x === 1 ? Dataset.fromArray(items).map((y) => y) : items
  })
  const all = Array.from({ length: 15_000 }, (_, k) => k)
  expect(await ds.toArray()).toEqual(all)
  for (const at of [0, 1, 4999, 5000, 7321, 10_000, 14_999, 15_000]) {
    const run = ds.iterate()
    await takeFrom(run, at)
    const checkpoint = run.checkpoint()
    await run.close()
    expect(await firstOf(ds.resume(checkpoint), 3)).toEqual(all.slice(at, at + 3))
    expect(JSON.stringify(checkpoint).length).toBeLessThan(400)
  }
})

test('a dataset without an end is as good as another', async () => {
  const ds = Dataset.range(3).flatMap((x) => Dataset.fromTensors(x).repeat())
  expect(await ds.take(4).toArray()).toEqual([0, 0, 0, 0])
})

test('nothing but empty ones lets timers run', async () => {
  const signal = AbortSignal.timeout(30)
  const endless = Dataset.counter().flatMap((x) => (x % 2 === 0 ? [] : Dataset.range(0)))
  await expect(endless.toArray({ signal })).rejects.toThrow(/timeout/i)
})

test('the function gets random numbers that follow from the element, also after a resume', async () => {
  const ds = Dataset.range(20).flatMap((x, local) => {
    const first = local.random()
    return x % 2 === 0 ? [first, local.random(), local.index] : Dataset.fromArray([first, x])
  })
  const once = await ds.toArray({ seed: 7, epoch: 0 })
  expect(await ds.toArray({ seed: 7, epoch: 0, chunk: 1 })).toEqual(once)
  expect(await ds.toArray({ seed: 8, epoch: 0 })).not.toEqual(once)
  await checkResume(ds)
})

test('datasets of different elements are shuffled apart, those of one element alike', async () => {
  const ds = Dataset.range(2).flatMap(() => Dataset.range(30).shuffle(30))
  const [a, b] = [await ds.toArray({ epoch: 0 }), await ds.toArray({ epoch: 0 })]
  expect(a).toEqual(b)
  expect(a.slice(0, 30)).not.toEqual(a.slice(30))
  expect(await ds.toArray({ epoch: 1 })).not.toEqual(a)
})

test.each(shapes)(
  'errors surface at their position, what is behind them can be read: %j',
  async (shape) => {
    const ds = Dataset.range(5).flatMap((x) => {
      if (x === 2) throw new RangeError('not two')
      if (x === 3) return Dataset.range(3).map(notOne)
      return [x, x]
    })
    const got: number[] = []
    const error: unknown = await ds.forEach((x) => got.push(x), shape).catch((e: unknown) => e)
    expect(got).toEqual([0, 0, 1, 1])
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({ stage: 'flatMap#1', index: 2, cause: new RangeError('not two') })
    expect(await ds.ignoreErrors().toArray(shape)).toEqual([0, 0, 1, 1, 0, 2, 4, 4])

    const inner: unknown = await ds
      .skip(4)
      .toArray(shape)
      .catch((e: unknown) => e)
    expect(inner).toMatchObject({ stage: 'flatMap#1' })
    const within = Dataset.range(2).flatMap((x) => Dataset.range(3 + x).map(notOne))
    const other: unknown = await within.toArray(shape).catch((e: unknown) => e)
    expect(other).toMatchObject({ stage: 'map#1', index: 1, fn: 'notOne' })
    expect(String((other as StageError).at)).toMatch(/flat-map\.test\.ts:\d+/)
  },
)

function notOne(x: number): number {
  if (x === 1) throw new Error('no one')
  return x
}

test('a checkpoint after an error begins with the element that failed; behind it nothing is left out', async () => {
  let broken = true
  const ds = Dataset.range(4).flatMap((x) => {
    if (x === 2 && broken) throw new Error('not now')
    return [x, -x, x]
  })
  const run = ds.iterate()
  await expect(takeFrom(run, 100)).rejects.toThrow('not now')
  broken = false
  expect(await firstOf(ds.resume(run.checkpoint()), 100)).toEqual([2, -2, 2, 3, -3, 3])
})

test('an element that fails on a resume alone costs only the rest of its own items', async () => {
  let broken = false
  const ds = Dataset.range(3)
    .flatMap((x) => {
      if (x === 0 && broken) throw new Error('gone')
      return [x, x + 10, x + 20]
    })
    .ignoreErrors()
  const run = ds.iterate({ chunk: 1 })
  expect(await takeFrom(run, 2)).toEqual([0, 10])
  const checkpoint = run.checkpoint()
  await run.close()
  broken = true
  expect(await firstOf(ds.resume(checkpoint), 100)).toEqual([1, 11, 21, 2, 12, 22])
})

test('what is neither an array nor a dataset is told with its element', async () => {
  const ds = Dataset.range(2).flatMap(((x: number) => (x === 1 ? 'text' : [x])) as never)
  await expect(ds.toArray()).rejects.toThrow(
    /flatMap#1 .*element 1: the function of flatMap must return an array or a dataset, not the string text/,
  )
})
