import { Dataset, InvalidArgumentError, StageError } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'

/** A source that counts what is asked of it. */
function counted(n: number): { readonly ds: Dataset<number>; reads(): number } {
  let reads = 0
  const items = new Proxy(
    Array.from({ length: n }, (_, k) => k),
    {
      get(target, name, receiver): unknown {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++
        return Reflect.get(target, name, receiver)
      },
    },
  )
  return { ds: Dataset.fromArray(items), reads: () => reads }
}

const shapes = [{}, { codegen: false }]

test.each(shapes)('what is skipped next to a source is not read (%j)', async (shape) => {
  const { ds, reads } = counted(100_000)
  const before = reads()
  const rest = ds.skip(10).skip(99_000).shard(3, 1).take(2)
  expect(await rest.toArray(shape)).toEqual([99_011, 99_014])
  expect(reads() - before).toBe(2)
})

test('the end of an endless source is as near as its start', async () => {
  const far = Dataset.counter(5, 2).skip(1e15).shard(4, 3).take(2)
  expect(await far.toArray()).toEqual([5 + 2 * (1e15 + 3), 5 + 2 * (1e15 + 7)])
  expect(far.cardinality()).toBe(2)
  await checkResume(far)
})

test('views behind an operator that is not 1:1 count elements as before', async () => {
  const odd = Dataset.range(20)
    .skip(1)
    .filter((x) => x % 2 === 1)
  expect(await odd.skip(2).shard(2, 0).toArray()).toEqual([5, 9, 13, 17])
})

test('a function is still called on skipped elements, and not on what is not taken', async () => {
  const calls: number[] = []
  const note = (x: number): number => {
    calls.push(x)
    return x
  }
  await Dataset.range(9).map(note).skip(2).take(1).toArray()
  expect(calls).toEqual([0, 1, 2])
  calls.length = 0
  await Dataset.range(9).map(note).take(3).shuffle('global').toArray()
  expect(calls.toSorted((a, b) => a - b)).toEqual([0, 1, 2])
})

test.each(shapes)(
  "shuffle('global') is a permutation, another in each epoch (%j)",
  async (shape) => {
    const all = Array.from({ length: 1000 }, (_, k) => k)
    const ds = Dataset.range(1000).shuffle('global')
    const [a, b] = [await ds.toArray(shape), await ds.toArray(shape)]
    expect(a).not.toEqual(b)
    for (const order of [a, b]) expect(order.toSorted((x, y) => x - y)).toEqual(all)
    const epochs = await ds.repeat(2).toArray({ ...shape, epoch: 0 })
    expect(new Set(epochs.slice(0, 1000)).size).toBe(1000)
    expect(epochs.slice(0, 1000)).not.toEqual(epochs.slice(1000))
  },
)

test("shuffle('global') obeys seeds and reshuffleEachIteration", async () => {
  const fixed = Dataset.range(50).shuffle('global', { reshuffleEachIteration: false })
  expect(await fixed.toArray()).toEqual(await fixed.toArray())
  expect(await fixed.toArray({ seed: 1 })).not.toEqual(await fixed.toArray({ seed: 2 }))
  const other = Dataset.range(50).shuffle('global', { reshuffleEachIteration: false, seed: 3 })
  expect(await other.toArray()).not.toEqual(await fixed.toArray())
})

test.each(shapes)(
  'maps below it keep their index, their chance and their errors (%j)',
  async (shape) => {
    const mapped = Dataset.range(100)
      .skip(10)
      .map((x, local) => [x, local.index, local.random()] as const)
    const plain = await mapped.toArray(shape)
    const shuffled = await mapped.shuffle('global').toArray(shape)
    expect(shuffled).not.toEqual(plain)
    expect(shuffled.toSorted((a, b) => a[0] - b[0])).toEqual(plain)
    const failing = Dataset.range(100)
      .skip(10)
      .map((x) => {
        if (x === 42) throw new Error('no')
        return x
      })
      .shuffle('global')
      .map((x) => x)
    const error: unknown = await failing.toArray(shape).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({ stage: 'map#1', index: 32 })
  },
)

test('a resume into a large permutation reads one chunk again at most', async () => {
  const { ds, reads } = counted(100_000)
  const run = ds.shuffle('global').iterate({ epoch: 3 })
  let seen = 0
  for await (const _ of run) if (++seen === 99_990) break
  const checkpoint = run.checkpoint()
  expect(JSON.stringify(checkpoint).length).toBeLessThan(200)
  const before = reads()
  const rest: number[] = []
  for await (const x of ds.shuffle('global').resume(checkpoint)) rest.push(x)
  expect(rest).toHaveLength(10)
  expect(reads() - before).toBeLessThanOrEqual(1024 + 10)
  const whole = await ds.shuffle('global').toArray({ epoch: 3 })
  expect(rest).toEqual(whole.slice(99_990))
})

test.each([
  ['filter#1', (ds: Dataset<number>) => ds.filter((x) => x > 1)],
  ['batch#1', (ds: Dataset<number>) => ds.batch(2)],
  ['shuffle#1', (ds: Dataset<number>) => ds.shuffle(3)],
  ['scan#1', (ds: Dataset<number>) => ds.scan(0, (s, x) => [s + x, s])],
  ['skip#1', (ds: Dataset<number>) => ds.map((x) => x).skip(1)],
  ['mapAsync#1', (ds: Dataset<number>) => ds.map(async (x) => x).map((x) => x)],
])("shuffle('global') above %s says why not and what to do", (culprit, apply) => {
  const make = (): unknown => apply(Dataset.range(9)).shuffle('global')
  expect(make).toThrow(InvalidArgumentError)
  expect(make).toThrow(
    new RegExp(`${culprit} \\(.*views\\.test\\.ts.*has none.*shuffle\\(10_000\\)`),
  )
})

test('what never ends has no order', () => {
  expect(() => Dataset.counter().shuffle('global')).toThrow(/take\(n\)/)
  expect(Dataset.counter().take(5).shuffle('global').cardinality()).toBe(5)
})

test('random: whole numbers below 2^32, the same in each epoch unless told', async () => {
  const some = Dataset.random({ seed: 5 }).take(2000)
  const numbers = await some.toArray()
  expect(numbers).toEqual(await some.toArray())
  expect(numbers.every((x) => Number.isInteger(x) && x >= 0 && x < 2 ** 32)).toBe(true)
  expect(new Set(numbers.map((x) => Math.floor(x / 2 ** 28))).size).toBe(16)
  expect(await Dataset.random({ seed: 6 }).take(9).toArray()).not.toEqual(numbers.slice(0, 9))
  expect(await some.take(9).toArray({ seed: 1 })).not.toEqual(numbers.slice(0, 9))
  const again = Dataset.random({ rerandomizeEachIteration: true }).take(9)
  expect(await again.toArray()).not.toEqual(await again.toArray())
  expect(Dataset.random().cardinality()).toBe(Infinity)
  await checkResume(Dataset.random({ rerandomizeEachIteration: true }).take(9).repeat(2))
})

test('counter counts for ever', async () => {
  expect(await Dataset.counter().take(3).toArray()).toEqual([0, 1, 2])
  expect(await Dataset.counter(10, -5).take(4).toArray({ codegen: false })).toEqual([10, 5, 0, -5])
  expect(() => Dataset.counter(Number.NaN)).toThrow(/start must be a number/)
})
