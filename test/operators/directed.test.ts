import { Dataset, InvalidArgumentError, StageError } from 'millstream'
import { checkResume } from 'millstream/testing'
import { describe, expect, test } from 'vitest'

const tens = [0, 10, 20].map((start) => Dataset.range(start, start + 3))
const choose = (choices: readonly unknown[], stopOnEmptyDataset?: boolean): Dataset<number> =>
  Dataset.chooseFromDatasets(
    tens,
    Dataset.fromArray(choices) as Dataset<number>,
    stopOnEmptyDataset === undefined ? {} : { stopOnEmptyDataset },
  )

const failOn = (bad: number) => (x: number) => {
  if (x === bad) throw new Error(`no ${x}`)
  return x
}

/** Share of the elements that are below 10, of the first `count`. */
async function share(ds: Dataset<number>, count: number, seed: number): Promise<number> {
  const xs = await ds.take(count).toArray({ seed, epoch: 0 })
  return xs.filter((x) => x < 10).length / xs.length
}

describe('chooseFromDatasets', () => {
  test('ends with the choices, or with the first dataset found exhausted', async () => {
    expect(await choose([2, 0, 2, 1]).toArray()).toEqual([20, 0, 21, 10])
    expect(await choose([0, 0, 0, 0, 1]).toArray()).toEqual([0, 1, 2])
    expect(await choose([0, 0, 0, 0, 1, 0, 1], false).toArray()).toEqual([0, 1, 2, 10, 11])
    expect(await choose([]).toArray()).toEqual([])
  })

  test('ends when all are exhausted, however many choices there are', async () => {
    const two = [Dataset.range(2), Dataset.range(10, 12)]
    const ds = Dataset.chooseFromDatasets(two, Dataset.fromArray([0, 1]).repeat(), {
      stopOnEmptyDataset: false,
    })
    expect(await ds.toArray()).toEqual([0, 10, 1, 11])
    await checkResume(ds)
  })

  test.each([[3], [-1], [0.5], ['1'], [null]])(
    '%j is the number of none: refused behind what precedes it',
    async (bad) => {
      const seen: number[] = []
      await expect(choose([0, 1, bad, 2]).forEach((x) => seen.push(x))).rejects.toThrow(
        /chooseFromDatasets#1 .*element 2: a choice must be/,
      )
      expect(seen).toEqual([0, 10])
    },
  )

  test('an element that fails uses up its choice', async () => {
    const [a, b] = [Dataset.range(4).map(failOn(1)), Dataset.range(10, 14)]
    const ds = Dataset.chooseFromDatasets([a, b], Dataset.fromArray([0, 0, 1, 0, 1]))
    await expect(ds.toArray()).rejects.toThrow(StageError)
    expect(await ds.ignoreErrors().toArray()).toEqual([0, 10, 2, 11])
    await checkResume(ds.ignoreErrors())
  })

  test('cardinality is known where no choice can change it', () => {
    const [few, endless] = [Dataset.range(3), Dataset.counter()]
    const of = (datasets: readonly Dataset<number>[], choices: Dataset<number>, stop = true) =>
      Dataset.chooseFromDatasets(datasets, choices, { stopOnEmptyDataset: stop }).cardinality()
    expect(of([endless, endless], few)).toBe(3)
    expect(of([endless, endless], endless)).toBe(Infinity)
    expect(of([few, endless], endless, false)).toBe(Infinity)
    expect(of([few, endless], endless)).toBeUndefined()
    expect(of([few, few], few)).toBeUndefined()
    expect(of([endless], few.take(0))).toBe(0)
  })
})

describe('sampleFromDatasets', () => {
  const below = Dataset.range(10).repeat()
  const above = Dataset.range(10, 20).repeat()

  test('keeps the order of each dataset, and loses none', async () => {
    const sets = [Dataset.range(40), Dataset.range(100, 105), Dataset.range(200, 260)]
    const ds = Dataset.sampleFromDatasets(sets, { weights: [1, 5, 2] })
    const xs = await ds.toArray()
    expect(ds.cardinality()).toBe(105)
    expect([...xs].sort((a, b) => a - b)).toEqual(
      (await Promise.all(sets.map((set) => set.toArray()))).flat(),
    )
    for (const k of [0, 1, 2]) {
      const own = xs.filter((x) => Math.floor(x / 100) === k)
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  })

  test.each([
    [undefined, 0.5],
    [[1, 1], 0.5],
    [[3, 1], 0.75],
    [[0.1, 0.9], 0.1],
    [[0, 2], 0],
  ])('weights %j give the first dataset a share of %d', async (weights, wanted) => {
    const options = weights === undefined ? {} : { weights }
    const ds = Dataset.sampleFromDatasets([below, above], options)
    expect(ds.cardinality()).toBe(Infinity)
    for (const seed of [1, 2]) {
      expect(Math.abs((await share(ds, 20_000, seed)) - wanted)).toBeLessThan(0.02)
    }
  })

  test('an exhausted dataset leaves its share to the others, in proportion', async () => {
    const short = Dataset.range(100, 101)
    const ds = Dataset.sampleFromDatasets([below, short, above], { weights: [3, 1e6, 1] })
    expect(Math.abs((await share(ds, 20_000, 1)) - 0.75)).toBeLessThan(0.02)
  })

  test('weights may change with each draw, and end it', async () => {
    const weights = Dataset.range(400).map((k) => (k < 200 ? [1, 0] : Float64Array.of(0, 1)))
    const ds = Dataset.sampleFromDatasets([below, above], { weights })
    const xs = await ds.toArray()
    expect(xs.length).toBe(400)
    expect(xs.findIndex((x) => x >= 10)).toBe(200)
    expect(xs.slice(200).every((x) => x >= 10)).toBe(true)
    await checkResume(ds)
  })

  test('draws are the same in each epoch, unless they are to be drawn anew', async () => {
    const runs = async (rerandomizeEachIteration: boolean): Promise<string[]> => {
      const sets = [Dataset.range(100), Dataset.range(100)]
      const ds = Dataset.sampleFromDatasets(sets, { rerandomizeEachIteration })
      return [(await ds.toArray()).join(), (await ds.toArray()).join()]
    }
    const [a, b] = await runs(false)
    expect(a).toBe(b)
    const [c, d] = await runs(true)
    expect(c).not.toBe(d)
  })

  test('stops at an exhausted dataset when told so; without weight there is nothing', async () => {
    const sets = [Dataset.range(5), below]
    const some = await Dataset.sampleFromDatasets(sets, { stopOnEmptyDataset: true }).toArray()
    expect(some.length).toBeLessThan(60)
    const none = Dataset.sampleFromDatasets(sets, { weights: [0, 0] })
    expect(none.cardinality()).toBe(0)
    expect(await none.toArray()).toEqual([])
  })

  test.each([
    [[below], [1, 2]],
    [
      [below, above],
      [1, -1],
    ],
    [
      [below, above],
      [1, Number.NaN],
    ],
    [
      [below, above],
      ['1', 1],
    ],
    [[], undefined],
    [[below, [1]], undefined],
  ])('what can never work is refused at once: %#', (sets, weights) => {
    const run = (): unknown => Dataset.sampleFromDatasets(sets as never, { weights } as never)
    expect(run).toThrow(InvalidArgumentError)
  })
})
