import { Dataset, type SplitOptions } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'

const numbers = Dataset.range(10_000)
const byValue = (x: number): number => x

test('each element is in one part, about as large as asked for', async () => {
  const { test: tests, validation, train } = numbers.split({ test: 0.05, validation: 0.2 })
  const [a, b, c] = await Promise.all([tests.toArray(), validation.toArray(), train.toArray()])
  expect([...a, ...b, ...c].toSorted((x, y) => x - y)).toEqual(await numbers.toArray())
  // Five standard deviations of a fair draw.
  expect(Math.abs(a.length - 500)).toBeLessThan(5 * Math.sqrt(500 * 0.95))
  expect(Math.abs(b.length - 2000)).toBeLessThan(5 * Math.sqrt(2000 * 0.8))
})

test('a key decides, whatever the order, the run, the other elements and the mode', async () => {
  const split = { key: byValue, test: 0.1, seed: 1 } as const
  const first = await numbers.split(split).test.toArray({ seed: 5 })
  const shuffled = await numbers.shuffle(500).split(split).test.toArray({ codegen: false })
  expect(shuffled.toSorted((x, y) => x - y)).toEqual(first)
  const some = await numbers
    .filter((x) => x % 3 === 0)
    .split(split)
    .test.toArray()
  expect(some).toEqual(first.filter((x) => x % 3 === 0))
  const other = await numbers.split({ ...split, seed: 2 }).test.toArray()
  expect(other.filter((x) => first.includes(x)).length).toBeLessThan(first.length / 4)
  // The same for ever, or a test set leaks into training with a new version.
  expect(first.slice(0, 6)).toEqual([42, 65, 67, 70, 91, 122])
})

test('equal keys stay together', async () => {
  const rows = Dataset.range(1000).map((x) => ({ user: `u${x % 50}`, x }))
  const { train, test: tests } = rows.split({ key: (row) => row.user, test: 0.3 })
  const users = new Set((await train.toArray()).map(({ user }) => user))
  const testUsers = new Set((await tests.toArray()).map(({ user }) => user))
  expect([...testUsers].filter((user) => users.has(user))).toEqual([])
  expect(users.size + testUsers.size).toBe(50)
})

test('by position: the same in each run and epoch, and after a resume', async () => {
  const { test: tests } = numbers.split({ test: 0.01, seed: 3 })
  const once = await tests.toArray({ seed: 1 })
  expect(await tests.toArray({ seed: 2, codegen: false })).toEqual(once)
  expect(await tests.repeat(2).toArray()).toEqual([...once, ...once])
  const few = Dataset.range(60).split({ test: 0.4 })
  await checkResume(few.test)
  await checkResume(few.train.batch(3))
})

test('the rest can have any name', async () => {
  const names = (options: SplitOptions<number>): string[] => Object.keys(numbers.split(options))
  expect(names({ test: 0.1 })).toEqual(['test', 'train'])
  expect(names({ train: 'rest', test: 0.1 })).toEqual(['train', 'test'])
  expect(names({ train: 0.7, dev: 0.2, test: 0.1 })).toEqual(['train', 'dev', 'test'])
  expect(await numbers.split({ train: 0.7, dev: 0.2, test: 0.1 }).train.first()).toBeDefined()
  expect(await numbers.split({ all: 1 }).train.toArray()).toEqual([])
  expect(await numbers.split({ none: 0 }).none.toArray()).toEqual([])
})

test('what does not add up is refused', () => {
  const wrong =
    (options: SplitOptions<number>): (() => unknown) =>
    () =>
      numbers.split(options)
  expect(wrong({})).toThrow(/split takes parts/)
  expect(wrong({ a: 0.6, b: 0.6 })).toThrow(/add up to 1.2, more than all/)
  expect(wrong({ train: 0.6, test: 0.1 })).toThrow(/add up to 0.7, and none takes the rest/)
  expect(wrong({ a: 'rest', b: 'rest' })).toThrow(/only one part/)
  expect(wrong({ test: 10 })).toThrow(
    /test must be a fraction from 0 to 1, or 'rest', not the number 10/,
  )
  expect(wrong({ test: 0.1, seed: 0.5 })).toThrow(/seed must be a whole number/)
  expect(wrong({ test: 0.1, key: 'id' as never })).toThrow(/split's key takes a function/)
})

test('a key without a value names its element', async () => {
  const ds = Dataset.range(5).split({ key: () => Symbol('s'), test: 0.5 }).train
  await expect(ds.toArray()).rejects.toThrow(/split#1.*element 0: a symbol has no value/)
})
