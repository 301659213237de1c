import { Dataset, InvalidArgumentError, type RunEvent, type Sink, StageError } from 'millstream'
import { takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

const failAt = (n: number) =>
  function double(x: number): number {
    if (x === n) throw new RangeError(`cannot double ${x}`)
    return 2 * x
  }

/** What came out, and the error that ended it. */
async function outcome<T>(
  ds: Dataset<T>,
  chunk?: number,
): Promise<{ readonly out: readonly T[]; readonly error: unknown }> {
  const out: T[] = []
  try {
    for await (const x of ds.iterate(chunk === undefined ? {} : { chunk })) out.push(x)
  } catch (error) {
    return { out, error }
  }
  return { out, error: undefined }
}

test.each([undefined, 1, 3, 1000])(
  'what precedes a failing element is delivered first (chunk %s)',
  async (chunk) => {
    const { out, error } = await outcome(Dataset.range(10).map(failAt(5)), chunk)
    expect(out).toEqual([0, 2, 4, 6, 8])
    expect(error).toBeInstanceOf(StageError)
  },
)

test('an error names stage, place, function and element, and keeps its cause', async () => {
  const { error } = await outcome(
    Dataset.range(10)
      .map((x) => x)
      .map(failAt(5)),
  )
  expect(error).toMatchObject({
    code: 'MILLSTREAM_STAGE_FAILED',
    stage: 'map#2',
    index: 5,
    fn: 'double',
    at: expect.stringMatching(/errors\.test\.ts:\d+$/) as string,
    cause: expect.any(RangeError) as RangeError,
  })
})

/** Its source cannot be closed. */
const unclosable = (): Dataset<number> =>
  Dataset.fromGenerator(async function* () {
    try {
      for (let x = 0; ; x++) yield x
    } finally {
      await Promise.reject(new Error('cannot close'))
    }
  })

test('what ended an iteration counts more than what cannot be closed because of it', async () => {
  const failing = unclosable().map(failAt(5))
  expect(await outcome(failing, 1)).toMatchObject({ out: [0, 2, 4, 6, 8], error: { index: 5 } })
  const iteration = failing.iterate({ chunk: 1 })
  const chunks = async (): Promise<void> => {
    for await (const xs of iteration.chunks()) expect(xs).toHaveLength(1)
  }
  await expect(chunks()).rejects.toBeInstanceOf(StageError)
  await expect(iteration.close()).rejects.toThrow('cannot close')
})

test('what ended a run counts more than what cannot be closed because of it; its sink is told', async () => {
  const aborted: unknown[] = []
  const sink: Sink<number> = {
    name: 'broken',
    structure: {},
    open: async () => ({
      write: async () => {
        throw new Error('disk full')
      },
      commit: async () => null,
      finish: async () => undefined,
      abort: async (cause) => {
        aborted.push(cause)
      },
    }),
  }
  await expect(unclosable().write(sink).run({ chunk: 1 })).rejects.toThrow('disk full')
  expect(aborted).toEqual([expect.objectContaining({ message: 'disk full' })])
})

test("the user's own line comes first in the stack", async () => {
  const { error } = await outcome(Dataset.range(10).map(failAt(5)))
  const [, first] = String((error as Error).stack).split('\n')
  expect(first).toContain('errors.test.ts')
})

test('a checkpoint taken after an error begins with the element that failed', async () => {
  let broken = true
  const flaky = (x: number): number => {
    if (broken && x === 7) throw new Error('once')
    return x
  }
  const ds = Dataset.range(12).map(flaky).batch(2)
  const run = ds.iterate()
  const before = await takeFrom(run, 3)
  await expect(run.next()).rejects.toThrow('once')
  const checkpoint = run.checkpoint()
  broken = false
  const after = []
  for await (const batch of ds.resume(checkpoint)) after.push(batch)
  expect([...before, ...after].map((b) => [...b])).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
    [8, 9],
    [10, 11],
  ])
})

test('skipped elements are counted and reported, batches behind them stay full', async () => {
  const events: RunEvent[] = []
  const run = Dataset.range(10)
    .map(async (x) => failAt(4)(x), { parallelism: 3, onError: 'skip' })
    .batch(3)
    .iterate({ observe: (event) => events.push(event) })
  const batches = []
  for await (const batch of run) batches.push([...batch])
  expect(batches).toEqual([
    [0, 2, 4],
    [6, 10, 12],
    [14, 16, 18],
  ])
  expect(run.skipped).toBe(1)
  expect(events.filter((e) => e.type === 'skip')).toMatchObject([
    { stage: 'mapAsync#1', index: 4, element: 4 },
  ])
})

test('a predicate that is not a boolean, an async predicate among them, is refused', async () => {
  const truthy = (async () => true) as never
  await expect(Dataset.range(3).filter(truthy).toArray()).rejects.toThrow(InvalidArgumentError)
})

test('a plain function that returns a promise is refused with the way out', async () => {
  const later = (x: number): Promise<number> => Promise.resolve(x)
  await expect(Dataset.range(3).map(later).toArray()).rejects.toThrow(/parallelism/)
  expect(await Dataset.range(3).map(later, { parallelism: 2 }).toArray()).toEqual([0, 1, 2])
})

test('wrong arguments are refused while the pipeline is described', () => {
  const ds = Dataset.range(3)
  const wrong: readonly (() => unknown)[] = [
    () => ds.batch(0),
    () => ds.batch(1.5),
    () => ds.take('two' as never),
    () => ds.shuffle(0),
    () => ds.shard(3, 3),
    () => ds.prefetch(-1),
    () => ds.map(3 as never),
    () => ds.map((x) => x, { parallelism: 0 }),
    () => Dataset.range(0, 5, 0),
    () => Dataset.fromTensorSlices([new Float64Array(2), new Float64Array(3)]),
    () => Dataset.zip([]),
    () => Dataset.listFiles(''),
  ]
  for (const describe of wrong) expect(describe).toThrow(InvalidArgumentError)
})

test("another pipeline's checkpoint is refused, naming the first difference", async () => {
  const run = Dataset.range(10).shuffle(3).iterate()
  await run.next()
  const checkpoint = run.checkpoint()
  await run.close()
  expect(() => Dataset.range(10).shuffle(4).resume(checkpoint)).toThrow(/shuffle#1.*size=4/)
  expect(() => Dataset.range(11).shuffle(3).resume(checkpoint)).toThrow(/range#1/)
  expect(() => Dataset.range(10).shuffle(3).batch(2).resume(checkpoint)).toThrow(/batch#1/)
})

test('what cannot be resumed says so when a checkpoint is asked for', async () => {
  const once = (function* () {
    yield* [1, 2, 3]
  })()
  const run = Dataset.from(once).iterate()
  await run.next()
  expect(() => run.checkpoint()).toThrow(/fromGenerator/)
  await run.close()
})
