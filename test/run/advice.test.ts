import { Dataset, type RunEvent, type WarningCode } from 'millstream'
import { expect, test } from 'vitest'

type Warning = Extract<RunEvent, { type: 'warning' }>

async function warnings(ds: Dataset<unknown>): Promise<readonly Warning[]> {
  const found: Warning[] = []
  const run = ds.iterate({
    observe: (event) => {
      if (event.type === 'warning') found.push(event)
    },
  })
  await run.next()
  await run.next()
  await run.close()
  return found
}

const numbers = Dataset.range(1000)
const random = numbers.map((x, local) => x + local.random())
const calls = async (x: number): Promise<number> => x
const buckets = (ds: Dataset<number>): Dataset<unknown> =>
  ds.bucketBySequenceLength({ length: (x) => x, boundaries: [9], batchSizes: [4, 4] })
const once = (): Dataset<number> => Dataset.from([1, 2][Symbol.iterator]())

/** A pipeline to warn of, and one that is right. */
const cases: readonly (readonly [WarningCode, Dataset<unknown>, Dataset<unknown>])[] = [
  ['cache-after-random', random.cache(), numbers.cache().map((x, local) => x + local.random())],
  ['cache-after-shuffle', numbers.shuffle(100).cache(), numbers.cache().shuffle(100)],
  [
    'cache-after-shuffle',
    numbers.shuffle('global').cache(),
    numbers.shuffle(100, { reshuffleEachIteration: false }).cache(),
  ],
  ['cache-not-filled', numbers.cache().take(5), numbers.take(5).cache()],
  ['cache-not-filled', numbers.cache().take(999).repeat(2), numbers.cache().repeat(2).take(1500)],
  ['cache-without-end', numbers.repeat().cache(), numbers.cache().repeat()],
  ['batch-before-shuffle', numbers.batch(10).shuffle(50), numbers.batch(10).unbatch().shuffle(50)],
  [
    'batch-before-shuffle',
    numbers.batch({ max: 10 }).shuffle(50),
    numbers.shuffle(50).batch({ max: 10 }),
  ],
  ['batch-before-shuffle', buckets(numbers).shuffle(50), buckets(numbers.shuffle(50))],
  ['small-shuffle', numbers.shuffle(9), numbers.shuffle(10)],
  [
    'large-shuffle',
    Dataset.fromArray([new Float64Array(1e6)])
      .repeat(40)
      .shuffle(40),
    Dataset.fromArray([new Float64Array(1e6)])
      .repeat(9)
      .shuffle(40),
  ],
  ['repeat-before-shuffle', numbers.repeat(2).shuffle(100), numbers.shuffle(100).repeat(2)],
  [
    'split-after-shuffle',
    numbers.shuffle(100).split({ test: 0.1 }).test,
    numbers.shuffle(100).split({ test: 0.1, key: (x) => x }).test,
  ],
  [
    'split-after-shuffle',
    numbers.shuffle('global').map(calls).split({ test: 0.1 }).train,
    numbers.split({ test: 0.1 }).train.shuffle(100),
  ],
  ['read-once', once().repeat(2), once().cache().repeat(2)],
  ['shard-late', numbers.map(calls).shard(2, 0), numbers.shard(2, 0).map(calls)],
  [
    'shard-late',
    numbers
      .map(calls)
      .map((x) => x)
      .shard(2, 0),
    numbers.map(calls).shard(1, 0),
  ],
  [
    'unordered-before-shuffle',
    numbers.interleave((x) => [x, x], { deterministic: false }).shuffle(1000),
    numbers.interleave((x) => [x, x]).shuffle(1000),
  ],
  ['no-prefetch', numbers.map(calls).batch(8), numbers.map(calls).batch(8).prefetch(2)],
]

test.each(cases)('%s', async (code, wrong, right) => {
  const first = (await warnings(wrong)).find((warning) => warning.code === code)
  expect(first?.at).toMatch(/advice\.test\.ts:\d+$/)
  expect(wrong.explain().replaceAll(/\s+/g, ' ')).toContain(
    `${code} ${first?.stage} (${first?.at}) ${first?.message}.`,
  )
  expect((await warnings(right)).map((warning) => warning.code)).not.toContain(code)
})

test('a pipeline as it should be gets no warning', async () => {
  const ds = numbers
    .cache()
    .shuffle(1000)
    .repeat(3)
    .map(async (x, local) => x + local.random())
    .batch(8)
    .prefetch(2)
  expect(await warnings(ds)).toEqual([])
  expect(ds.explain()).not.toContain('warnings')
})

test('warnings are told once, when a run starts', async () => {
  const ds = numbers.batch(10).shuffle(50)
  expect((await warnings(ds)).map(({ stage }) => stage)).toEqual(['shuffle#1'])
  const events: RunEvent[] = []
  const run = ds.iterate({ observe: (event) => events.push(event) })
  expect(events).toEqual([])
  await run.close()
})

test('the same id on two branches is told apart', async () => {
  const batches = numbers.batch(10)
  const both = Dataset.zip([batches.shuffle(50), batches.shuffle(50)])
  expect((await warnings(both)).map(({ stage }) => stage)).toEqual([
    'zip#1[0]/shuffle#1',
    'zip#1[1]/shuffle#1',
  ])
})

test('a run shows that a shuffle holds less than a file', async () => {
  const file = (x: number): Dataset<number> => Dataset.range(1000 * x, 1000 * x + 500)
  const after = async (ds: Dataset<unknown>): Promise<string> => {
    expect(ds.explain()).not.toContain('shuffle-within-file')
    const run = ds.iterate()
    for await (const _ of run.chunks());
    return run.explain()
  }
  const files = Dataset.range(6)
  const text = await after(
    files
      .flatMap(file)
      .map((x) => x)
      .shuffle(100),
  )
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(
    /shuffle-within-file shuffle#1 \(\S+\) holds 100 elements, and a dataset of flatMap#1 has 500/,
  )
  expect(await after(files.flatMap(file).shuffle(600))).not.toContain('shuffle-within-file')
  expect(await after(files.interleave(file, { cycleLength: 6 }).shuffle(600))).toContain(
    'shuffle-within-file',
  )
})
