import * as fc from 'fast-check'
import { type Checkpoint, Dataset, InvalidArgumentError, StageError } from 'millstream'
import { checkResume, firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

/** Numbers that come some turns of the event loop apart, each input at a pace of its own. */
function slow(xs: readonly number[], pace: number): Dataset<number> {
  return Dataset.fromGenerator(async function* numbers() {
    for (const x of xs) {
      for (let turns = (x * 7 + pace) % 4; turns > 0; turns--) await new Promise(setImmediate)
      yield x
    }
  })
}

/** `count` numbers that say of which input they are, and their place in it. */
const inputOf = (x: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => 1000 * x + k)

/** Arrays, datasets in memory and datasets that wait; some are empty. */
function mixed(x: number): readonly number[] | Dataset<number> {
  const items = inputOf(x, (x * 5) % 7)
  if (x % 3 === 0) return items
  return x % 3 === 1 ? Dataset.fromArray(items) : slow(items, x)
}

const sorted = (xs: readonly number[]): number[] => xs.toSorted((a, b) => a - b)

/** The elements of each input, in their order. */
const byInput = (xs: readonly number[]): unknown =>
  Array.from({ length: 20 }, (_, x) => xs.filter((y) => Math.floor(y / 1000) === x))

test.each([
  ['more slots than inputs', 2, { cycleLength: 5 }, [0, 1000, 1, 1001, 1002]],
  ['blocks longer than inputs', 3, { cycleLength: 2, blockLength: 9 }, [0, 1, 1000, 1001, 1002]],
  ['one after the other', 2, { cycleLength: 1 }, [0, 1, 1000, 1001, 1002]],
])('%s', async (_, count, options, wanted) => {
  const lengths = [2, 3, 0]
  const ds = Dataset.range(count).interleave((x) => inputOf(x, lengths[x] ?? 0), options)
  expect(await ds.toArray()).toEqual(wanted)
})

test('an input that ends gives its turn away, and the slot takes the next one when its turn comes again', async () => {
  // tf.data: the second slot goes on before the first one has its next input.
  const ds = Dataset.range(3).interleave((x) => inputOf(x, [1, 3, 2][x] ?? 0), { cycleLength: 2 })
  expect(await ds.toArray()).toEqual([0, 1000, 1001, 2000, 1002, 2001])
})

test('inputs without an end take turns for ever', async () => {
  const ds = Dataset.counter().interleave((x) => Dataset.fromTensors(x).repeat(), {
    cycleLength: 3,
    blockLength: 2,
  })
  expect(await ds.take(8).toArray()).toEqual([0, 0, 1, 1, 2, 2, 0, 0])
})

test.each([1, 2, 8])('the order is the same with parallelism %s', async (parallelism) => {
  const all = { cycleLength: 3, blockLength: 2 }
  const wanted = await Dataset.range(9).interleave(mixed, all).toArray()
  const ds = Dataset.range(9).interleave(mixed, { ...all, parallelism })
  expect(await ds.toArray()).toEqual(wanted)
  await checkResume(ds, 30)
})

test.each([1, 3, 5])('while the first input waits, %s are read', async (parallelism) => {
  const started: number[] = []
  let release: (() => void) | undefined
  const later = new Promise<void>((resolve) => (release = resolve))
  const ds = Dataset.range(6).interleave(
    (x) =>
      Dataset.fromGenerator(async function* numbers() {
        started.push(x)
        await later
        yield x
      }),
    { cycleLength: 3, parallelism },
  )
  const all = ds.toArray()
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
  expect(started).toHaveLength(parallelism)
  release?.()
  expect(await all).toEqual([0, 1, 2, 3, 4, 5])
})

test('an input that waits holds the others up only where order is kept', async () => {
  let release: (() => void) | undefined
  const never = new Promise<void>((resolve) => (release = resolve))
  const ds = Dataset.range(3).interleave(
    (x) =>
      Dataset.fromGenerator(async function* numbers() {
        if (x === 0) await never
        yield* inputOf(x, 3)
      }),
    { cycleLength: 3, deterministic: false },
  )
  const run = ds.iterate()
  const first = await takeFrom(run, 6)
  expect(sorted(first)).toEqual([...inputOf(1, 3), ...inputOf(2, 3)])
  release?.()
  expect(await takeFrom(run, 9)).toEqual(inputOf(0, 3))
})

test.each([
  { cycleLength: 1 },
  { cycleLength: 4, parallelism: 1 },
  { cycleLength: 4, blockLength: 3 },
  { cycleLength: 20, parallelism: 3 },
])('in any order nothing is lost, and inputs keep their order: %j', async (options) => {
  const wanted = byInput(await Dataset.range(12).flatMap(mixed).toArray())
  const ds = Dataset.range(12).interleave(mixed, { ...options, deterministic: false })
  expect(byInput(await ds.toArray())).toEqual(wanted)
  expect(byInput(await ds.toArray({ chunk: 1 }))).toEqual(wanted)
})

/** Pipelines around an interleave in any order that keep all elements. */
const around = {
  alone: (ds) => ds,
  prefetch: (ds) => ds.prefetch(7),
  shuffle: (ds) => ds.shuffle(5),
  batches: (ds) => ds.batch(3).unbatch(),
  'calls to the world': (ds) => ds.map(async (x) => x, { parallelism: 3 }),
  'another one': (ds) => ds.interleave((x) => [x], { cycleLength: 2, deterministic: false }),
  'within a dataset': (ds) => Dataset.range(1).flatMap(() => ds),
} satisfies Record<string, (ds: Dataset<number>) => Dataset<number>>

const names = Object.keys(around) as (keyof typeof around)[]

test('in any order a run that is cut anywhere, and again, yields each element once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        inputs: fc.integer({ min: 1, max: 9 }),
        cycleLength: fc.integer({ min: 1, max: 5 }),
        blockLength: fc.integer({ min: 1, max: 4 }),
        parallelism: fc.integer({ min: 1, max: 4 }),
        name: fc.constantFrom(...names),
        chunks: fc.array(fc.constantFrom(undefined, 1, 2, 5, 100), { minLength: 4, maxLength: 4 }),
      }),
      async ({ inputs, name, chunks, ...options }) => {
        const any = { ...options, deterministic: false }
        const ds = around[name](Dataset.range(inputs).interleave(mixed, any))
        const wanted = sorted(await Dataset.range(inputs).flatMap(mixed).toArray())
        for (let at = 0; at <= wanted.length; at++) {
          const shape = (k: number): { chunk?: number } => {
            const chunk = chunks[(at + k) % chunks.length]
            return chunk === undefined ? {} : { chunk }
          }
          const run = ds.iterate({ ...shape(0), epoch: 0 })
          const got = await takeFrom(run, at)
          const again = await cutAgain(ds, run.checkpoint(), [shape(1), shape(2), shape(3)])
          await run.close()
          expect({ name, options, at, got: sorted([...got, ...again]) }).toEqual({
            name,
            options,
            at,
            got: wanted,
          })
        }
      },
    ),
    { numRuns: 40, seed: 11 },
  )
}, 60_000)

/** The rest behind a checkpoint, in three runs. */
async function cutAgain(
  ds: Dataset<number>,
  checkpoint: Checkpoint,
  shapes: readonly { readonly chunk?: number }[],
): Promise<number[]> {
  const got: number[] = []
  let from = checkpoint
  for (const [k, shape] of shapes.entries()) {
    const run = ds.resume(JSON.parse(JSON.stringify(from)) as Checkpoint, shape)
    got.push(...(await takeFrom(run, k === shapes.length - 1 ? 1000 : 3)))
    from = run.checkpoint()
    await run.close()
  }
  return got
}

test('what was delivered of a chunk in any order is not delivered again, whatever is ready then', async () => {
  const turns = [0, 9, 3, 5]
  let speed = 0
  const ds = Dataset.range(4).interleave(
    (x) =>
      Dataset.fromGenerator(async function* numbers() {
        for (const y of inputOf(x, 6)) {
          // Each run has other inputs that are quick.
          const wait = turns[(x + speed) % turns.length] ?? 0
          for (let k = 0; k < wait; k++) await new Promise(setImmediate)
          yield y
        }
      }),
    { cycleLength: 4, deterministic: false },
  )
  const run = ds.iterate({ chunk: 100, epoch: 0 })
  const got = await takeFrom(run, 7)
  const checkpoint = run.checkpoint()
  await run.close()
  speed = 2
  const rest = await firstOf(ds.resume(checkpoint, { chunk: 3 }), 1000)
  expect(byInput([...got, ...rest])).toEqual(byInput([0, 1, 2, 3].flatMap((x) => inputOf(x, 6))))
})

test.each([true, false])(
  'errors surface behind what precedes them, deterministic %s: of the function, and within',
  async (deterministic) => {
    const broken = Dataset.range(4).interleave(
      (x) => {
        if (x === 2) throw new Error('no input')
        return inputOf(x, 2)
      },
      { cycleLength: 2, deterministic },
    )
    const got: number[] = []
    const error: unknown = await broken.forEach((x) => got.push(x)).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({ stage: 'interleave#1', index: 2 })
    expect(sorted(got)).toEqual([0, 1, 1000, 1001])
    expect(sorted(await broken.ignoreErrors().toArray())).toEqual([0, 1, 1000, 1001, 3000, 3001])

    const within = Dataset.range(2).interleave(
      (x) =>
        Dataset.range(4).map((y) => {
          if (x === 1 && y === 2) throw new Error('no element')
          return 1000 * x + y
        }),
      { cycleLength: 2, deterministic },
    )
    const inner: unknown = await within.toArray().catch((e: unknown) => e)
    expect(inner).toMatchObject({ stage: 'map#1', index: 2 })
    expect(sorted(await within.ignoreErrors().toArray())).toEqual([0, 1, 2, 3, 1000, 1001, 1003])
  },
)

test('a checkpoint after an error begins with the element that failed', async () => {
  let broken = true
  const ds = Dataset.range(4).interleave(
    (x) => {
      if (x === 2 && broken) throw new Error('not now')
      return inputOf(x, 3)
    },
    { cycleLength: 2, blockLength: 2 },
  )
  const run = ds.iterate()
  const got: number[] = []
  await expect(
    (async () => {
      for await (const x of run) got.push(x)
    })(),
  ).rejects.toThrow('not now')
  broken = false
  const rest = await firstOf(ds.resume(run.checkpoint()), 100)
  expect([...got, ...rest]).toEqual(await ds.toArray())
})

test.each([true, false])(
  'an error that came in the background is not lost by a checkpoint, deterministic %s',
  async (deterministic) => {
    const ds = Dataset.range(2).interleave(
      (x) => (x === 0 ? inputOf(0, 4) : Dataset.range(1).map(fails)),
      { cycleLength: 2, blockLength: 3, parallelism: 2, deterministic },
    )
    const run = ds.iterate({ chunk: 1 })
    await takeFrom(run, 2)
    await new Promise(setImmediate)
    const checkpoint = run.checkpoint()
    await run.close()
    const got: number[] = []
    const rest = ds.resume(checkpoint)
    const error: unknown = await (async () => {
      for await (const x of rest) got.push(x)
    })().catch((e: unknown) => e)
    expect(error).toMatchObject({ stage: 'map#1', index: 0 })
    expect([0, 1, ...got]).toEqual(inputOf(0, 2 + got.length))
  },
)

function fails(x: number): number {
  throw new Error(`no ${x}`)
}

test.each([
  [{ cycleLength: 0 }, 'cycleLength'],
  [{ blockLength: 1.5 }, 'blockLength'],
  [{ parallelism: 0 }, 'parallelism'],
])('%j is refused', (options, name) => {
  expect(() => Dataset.range(2).interleave((x) => [x], options)).toThrow(InvalidArgumentError)
  expect(() => Dataset.range(2).interleave((x) => [x], options)).toThrow(name)
})

test('what is neither an array nor a dataset is told', async () => {
  const ds = Dataset.range(2).interleave((() => 7) as never)
  await expect(ds.toArray()).rejects.toThrow(
    /interleave#1 .*the function of interleave must return an array or a dataset, not the number 7/,
  )
})
