import { Dataset, threads } from 'millstream'
import { describe, expect, test } from 'vitest'
import { combine } from '../../src/stream/random.ts'
import { expectedAge, heldAfter, oldest } from '../../src/operators/shuffle-order.ts'
import { neighbourDistance, stretch } from '../../src/run/explain/mixing.ts'
import { slowEven } from './fixtures/stages.ts'

/** Places in this file move with every edit. */
const explained = (ds: Dataset<unknown>): string =>
  ds.explain().replace(/[^\s(]*explain\.test\.ts:\d+/g, 'here')

/** The rows of one section. */
function section(ds: Dataset<unknown>, title: string): string {
  const found = explained(ds)
    .split('\n\n')
    .find((text) => text.startsWith(title))
  return (found ?? '').split('\n').slice(1).join('\n')
}

test('a plan in words', () => {
  const ds = Dataset.range(10_000_000)
    .skip(0)
    .map(function parse(x) {
      return x * 2
    })
    .shuffle(100_000)
    .map(async (x) => x, { parallelism: 32 })
    .batch(32)
    .prefetch(2)
  expect(`\n${explained(ds)}\n`).toBe(`
plan
  operator    parameters                      elements  written at
  range#1     start=0 stop=10000000 step=1  10,000,000  here
  skip#1      count=0                       10,000,000  here
  map#1       parse                         10,000,000  here
  shuffle#1   size=100000 reshuffle=true    10,000,000  here
  mapAsync#1                                10,000,000  here
  batch#1     size=32 dropRemainder=false      312,500  here
  prefetch#1                                   312,500  here

rewritten
  skip#1  left out: it hands on what it gets

runs, in this thread where no place is named
  segment 1   one loop, generated: range#1, map#1
  shuffle#1   holds up to 100,000 elements
  mapAsync#1  32 calls at once, order kept
  segment 2   one loop, generated: batch#1
  prefetch#1  reads ahead while the reader is busy; holds up to 2 elements

shuffles
  shuffle#1  a buffer of 1 % of 10,000,000: neighbours come out about 99,000 apart, after a full
             shuffle 3,300,000; 95 % of a batch come from 3 % of the input

resume
  yes         at any element; a checkpoint takes about 260 B
  shuffle#1   re-reads about 1,200,000 elements
  mapAsync#1  repeats the calls that were under way
`)
})

test('several inputs, places, memory and positions of a source', () => {
  const left = Dataset.fromArray([{ id: 1 }, { id: 2 }]).skip(1)
  const right = Dataset.fromTensorSlices(new Float32Array(1000)).shuffle(500)
  const ds = Dataset.zip([left, right.map(slowEven.on(threads(2)))])
  expect(`\n${section(ds, 'plan')}`).toBe(`
  operator        parameters                      elements  written at
  [0] array#1     length=2                               2  here
      skip#1      count=1                                1  here
  [1] slices#1    length=1000                        1,000  here
      shuffle#1   size=500 reshuffle=true            1,000  here
      mapAsync#1  stage=stages.ts#slowEven co...     1,000  here
  zip#1           structure=[0,1]                        1  here`)
  expect(`\n${section(ds, 'rewritten')}`).toBe(`
  zip#1[0]/skip#1  works on positions of zip#1[0]/array#1: what it leaves out is not made`)
  expect(`\n${section(ds, 'runs')}`).toBe(`
  segment 1            one loop, generated: zip#1[0]/array#1, zip#1[0]/skip#1
  segment 2            one loop, generated: zip#1[1]/slices#1
  zip#1[1]/shuffle#1   holds up to 500 elements, about 4.0 KB
  zip#1[1]/mapAsync#1  on threads(2), order kept
  zip#1                reads its inputs side by side`)
})

test('what cannot be resumed says so, with the way out', () => {
  const once = Dataset.from([1, 2][Symbol.iterator]())
  expect(section(once, 'resume')).toMatch(
    /^ {2}no +generator#1 \(here\) cannot be resumed[^]*pass a function/,
  )
  const again = Dataset.fromGenerator(() => [1])
  expect(section(again, 'resume')).toMatch(/generator#1 +runs from the start again/)
})

test('no line is longer than 100 columns, whatever a plan holds', () => {
  const long = Dataset.listFiles('a/'.repeat(100)).map(async (x) => x.length)
  const deep = [1, 2, 3].reduce<Dataset<number>>((ds) => ds.concatenate(ds).take(9), long)
  for (const line of deep.explain().split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})

/** Places of elements in the output, by their place in the input. */
async function places(size: number, n: number, seed: number): Promise<Float64Array> {
  const out = await Dataset.range(n).shuffle(size).toArray({ seed })
  const at = new Float64Array(n)
  out.forEach((x, k) => (at[x] = k))
  return at
}

describe('how well a shuffle mixes', () => {
  test.each([0.01, 0.1, 0.3, 0.7, 1])('neighbours, buffer of %d of all', async (share) => {
    const n = 40_000
    const at = await places(share * n, n, 3)
    let sum = 0
    for (let k = 1; k < n; k++) sum += Math.abs((at[k] ?? 0) - (at[k - 1] ?? 0))
    expect(sum / (n - 1) / neighbourDistance(share * n, n)).toBeCloseTo(1, 1)
  })

  test.each([0.01, 0.1])('where most of a batch comes from, buffer of %d of all', async (share) => {
    const [n, batch] = [40_000, 2000]
    const out = await Dataset.range(n)
      .shuffle(share * n)
      .toArray({ seed: 4 })
    // The last element read when the batch came out is the end of the stretch.
    const end = n / 2 + share * n
    const sorted = out.slice(n / 2, n / 2 + batch)
    const inside = sorted.filter((x, k) => x > end + k - stretch(share * n, n)).length
    expect(inside / batch).toBeGreaterThan(0.92)
    expect(inside / batch).toBeLessThan(0.98)
  })

  test.each([10, 1000, 20_000])('what a resume re-reads, buffer of %d', (size) => {
    const ages = Array.from({ length: 40 }, (_, seed) => {
      const n = 50 * size
      return n + size - oldest(heldAfter(combine(1, seed), n, size, undefined))
    })
    const mean = ages.reduce((a, b) => a + b, 0) / ages.length
    expect(mean / expectedAge(size)).toBeGreaterThan(0.9)
    expect(mean / expectedAge(size)).toBeLessThan(1.1)
  })
})

const halfway: Readonly<Record<string, Dataset<unknown>>> = {
  'one loop': Dataset.range(2000)
    .map((x) => x + 1)
    .filter((x) => x % 2 === 0)
    .batch(3),
  shuffle: Dataset.range(2000)
    .map((x) => x)
    .shuffle(100)
    .batch(4)
    .prefetch(2),
  branches: Dataset.zip([Dataset.range(2000).shuffle(10), Dataset.range(2000).repeat(2)]).cache(),
  calls: Dataset.range(2000)
    .map(async (x) => x)
    .enumerate()
    .shuffle(5),
}

test.each(Object.entries(halfway))('about the size of a checkpoint: %s', async (_, ds) => {
  const run = ds.iterate()
  for (let k = 0; k < 100; k++) await run.next()
  const real = JSON.stringify(run.checkpoint()).length
  await run.close()
  const [, said] = /takes about (\d+) B/.exec(ds.explain()) ?? []
  expect(Number(said) / real).toBeGreaterThan(0.75)
  expect(Number(said) / real).toBeLessThan(1.33)
})
