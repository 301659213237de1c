import { Dataset, InvalidArgumentError } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'

/** Classes 0, 1 and 2 in shares of 70, 20 and 10 %. */
const classOf = (x: number): number => [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][x % 10] ?? 0
const numbers = Dataset.range(50_000)
const initialDist = [0.7, 0.2, 0.1]

const shares = (xs: readonly number[]): number[] =>
  [0, 1, 2].map((k) => xs.filter((x) => classOf(x) === k).length / xs.length)

const targets = [
  [1, 1, 1],
  [0.2, 0.2, 0.6],
  [0, 5, 5],
  [7, 2, 1],
]

test.each(targets.flatMap((target) => [{ target }, { target, initialDist }]))(
  'classes come as often as they should, in order: %j',
  async ({ target, ...known }) => {
    const ds = numbers.rejectionResample({ class: classOf, targetDist: target, ...known })
    const xs = await ds.toArray({ seed: 3, epoch: 0 })
    expect(xs).toEqual([...new Set(xs)].sort((a, b) => a - b))
    const total = target.reduce((a, b) => a + b)
    shares(xs).forEach((share, k) => {
      expect(Math.abs(share - Number(target[k]) / total)).toBeLessThan(0.02)
    })
    // As many as can be: of the scarcest class all.
    const scarcest = Math.max(...target.map((share, k) => share / Number(initialDist[k]))) / total
    expect(Math.abs(xs.length * scarcest - 50_000)).toBeLessThan(1500)
  },
)

test('other seeds and epochs leave out others, the same ones the same', async () => {
  const of = (seed?: number): Dataset<number> =>
    numbers.take(500).rejectionResample({
      class: classOf,
      targetDist: [1, 1, 1],
      ...(seed !== undefined && { seed }),
    })
  const first = await of().toArray({ seed: 1, epoch: 0 })
  expect(await of().toArray({ seed: 1, epoch: 0 })).toEqual(first)
  expect(await of().toArray({ seed: 1, epoch: 1 })).not.toEqual(first)
  expect(await of().toArray({ seed: 2, epoch: 0 })).not.toEqual(first)
  expect(await of(5).toArray({ seed: 1, epoch: 0 })).not.toEqual(first)
  await checkResume(of(5).map((x, local) => x + local.random()))
})

test('the function of classes may ask for chance of its own', async () => {
  const ds = numbers.take(40).rejectionResample({
    class: (_, local) => Math.floor(local.random() * 2),
    targetDist: [1, 0],
  })
  expect((await ds.toArray()).length).toBeGreaterThan(5)
  await checkResume(ds)
})

test.each([[2], [-1], [0.5], ['0'], [undefined]])('%j is no class of two', async (bad) => {
  const ds = Dataset.range(5).rejectionResample({
    class: (x) => (x === 3 ? (bad as number) : 0),
    targetDist: [1, 1],
    initialDist: [1, 1],
  })
  const seen: number[] = []
  await expect(ds.forEach((x) => seen.push(x))).rejects.toThrow(/element 3: a class must be/)
  expect(seen).toEqual([0, 1, 2])
})

test.each([
  [{ targetDist: undefined as never }],
  [{ targetDist: [] }],
  [{ targetDist: [0, 0] }],
  [{ targetDist: [1, -1] }],
  [{ targetDist: [1, Number.NaN] }],
  [{ targetDist: [1, 1], initialDist: [1] }],
  [{ targetDist: [1, 1], initialDist: [1, 0] }],
  [{ targetDist: [1, 1], seed: 0.5 }],
])('%j can never work', (options) => {
  expect(() => numbers.rejectionResample({ class: classOf, ...options })).toThrow(
    InvalidArgumentError,
  )
})
