import { Column, Dataset, InvalidArgumentError, type RunEvent, StageError } from 'millstream'
import { checkResume, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

/** Windows, listed. */
const listed = <T>(windows: Dataset<Dataset<T>>): Promise<T[][]> =>
  windows.map(async (w) => w.toArray()).toArray()

test.each([
  ['neighbours', 5, 2, {}, [[0, 1], [2, 3], [4]]],
  [
    'only full ones',
    5,
    2,
    { dropRemainder: true },
    [
      [0, 1],
      [2, 3],
    ],
  ],
  ['overlapping', 4, 3, { shift: 1 }, [[0, 1, 2], [1, 2, 3], [2, 3], [3]]],
  [
    'overlapping, only full ones',
    4,
    3,
    { shift: 1, dropRemainder: true },
    [
      [0, 1, 2],
      [1, 2, 3],
    ],
  ],
  ['with gaps', 7, 2, { shift: 3 }, [[0, 1], [3, 4], [6]]],
  ['every other element', 6, 2, { stride: 2 }, [[0, 2], [2, 4], [4]]],
  [
    'stride and shift',
    8,
    3,
    { shift: 4, stride: 2 },
    [
      [0, 2, 4],
      [4, 6],
    ],
  ],
  [
    'far apart',
    7,
    2,
    { shift: 1, stride: 4, dropRemainder: true },
    [
      [0, 4],
      [1, 5],
      [2, 6],
    ],
  ],
  ['longer than all', 2, 9, {}, [[0, 1]]],
  ['of nothing', 0, 3, {}, []],
] as const)('%s', async (_, n, size, options, wanted) => {
  const windows = Dataset.range(n).window(size, options)
  expect(await listed(windows)).toEqual(wanted)
  expect(windows.cardinality()).toBe(wanted.length)
  await checkResume(windows.flatMap((w) => w.batch(100)))
})

test('windows of tuples and records are tuples and records of datasets', async () => {
  const records = Dataset.range(3).map((x) => ({ x, pair: [x, `t${x}`] as const }))
  const [first] = await records.window(2).toArray()
  expect(await first?.x.toArray()).toEqual([0, 1])
  expect(await first?.pair[1].toArray()).toEqual(['t0', 't1'])
  const zipped = records.window(2).flatMap((w) => Dataset.zip([w.x, w.pair[1]]).batch(2))
  expect(await zipped.toArray()).toEqual([
    [Float64Array.of(0, 1), Column.of('t0', 't1')],
    [Float64Array.of(2), Column.of('t2')],
  ])
})

test('a window is a dataset like others: it can be read twice, and batched as a column', async () => {
  const [batch] = await Dataset.range(4).window(2).batch(2).toArray()
  expect(batch).toBeInstanceOf(Column)
  expect(await batch?.[1]?.toArray()).toEqual([2, 3])
  expect(await batch?.[1]?.toArray()).toEqual([2, 3])
})

test('windows over an endless input come as they fill', async () => {
  const windows = Dataset.counter().window(3, { shift: 2 })
  expect(windows.cardinality()).toBe(Infinity)
  expect(await listed(windows.take(2))).toEqual([
    [0, 1, 2],
    [2, 3, 4],
  ])
})

test.each([
  ['another field', [{ a: 1 }, { a: 2, b: 3 }]],
  ['a field less', [{ a: 1, b: 3 }, { a: 2 }]],
  ['a tuple among records', [{ a: 1 }, [2]]],
  ['a longer tuple', [[1], [1, 2]]],
])('elements of a window have one structure: %s is refused', async (_, items) => {
  const read = Dataset.fromArray<unknown>(items).window(2).toArray()
  await expect(read).rejects.toThrow(StageError)
  await expect(read).rejects.toThrow(/window#1 .*element 0: .*element 0 .*element 1/)
})

test('windows before one that cannot be made are delivered first', async () => {
  const rows = Dataset.fromArray<object>([{ a: 1 }, { a: 2 }, { a: 3 }, { b: 4 }])
  let windows = 0
  const read = rows.window(2, { shift: 1 }).forEach(() => windows++)
  await expect(read).rejects.toThrow(/window#1 .*element 2: /)
  expect(windows).toBe(2)
})
/** Fails on some numbers. */
const failing = (...bad: readonly number[]): Dataset<number> =>
  Dataset.range(9).map((x) => {
    if (bad.includes(x)) throw new Error(`no ${x}`)
    return x
  })

// What tf.data does, from its source: a failed element keeps its place, and each window that holds it fails.
test.each([
  [
    'neighbours',
    3,
    {},
    [4],
    [
      [0, 1, 2],
      [6, 7, 8],
    ],
    1,
  ],
  [
    'each window that holds it',
    2,
    { shift: 1 },
    [3],
    [[0, 1], [1, 2], [4, 5], [5, 6], [6, 7], [7, 8], [8]],
    2,
  ],
  [
    'not those that pass over it',
    2,
    { stride: 2, shift: 3 },
    [4],
    [
      [0, 2],
      [3, 5],
      [6, 8],
    ],
    0,
  ],
  ['not in a gap', 2, { shift: 4 }, [2, 3], [[0, 1], [4, 5], [8]], 0],
  [
    'not in a rest that is dropped',
    4,
    { dropRemainder: true },
    [8],
    [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
    0,
  ],
] as const)('an element that failed: %s', async (_, size, options, bad, wanted, errors) => {
  for (const chunk of [1, 2, 100]) {
    const windows = failing(...bad).window(size, options)
    const skips: RunEvent[] = []
    const observe = (event: RunEvent): void => {
      if (event.type === 'skip') skips.push(event)
    }
    const got = await windows
      .ignoreErrors()
      .map(async (w) => w.toArray())
      .toArray({ chunk, observe })
    expect(got).toEqual(wanted)
    // One for each window that failed, or for each element that was in none.
    expect(skips).toHaveLength(errors === 0 ? bad.length : errors)
  }
  await checkResume(
    failing(...bad)
      .window(size, options)
      .ignoreErrors()
      .flatMap((w) => w.batch(9)),
  )
})

test('the error of a window names the stage and element that failed; a checkpoint begins with the window', async () => {
  let broken = true
  const windows = Dataset.range(9)
    .map((x) => {
      if (x === 4 && broken) throw new Error('not now')
      return x
    })
    .window(3)
    .flatMap((w) => w.batch(3))
  const run = windows.iterate()
  const error: unknown = await takeFrom(run, 9).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(StageError)
  expect(error).toMatchObject({ stage: 'map#1', index: 4 })
  broken = false
  const rest = windows.resume(run.checkpoint())
  expect((await takeFrom(rest, 9)).map((b) => [...b])).toEqual([
    [3, 4, 5],
    [6, 7, 8],
  ])
})

test.each([
  [0, {}],
  [2, { shift: 0 }],
  [2, { stride: -1 }],
  [1.5, {}],
])('window(%s, %j) is refused', (size, options) => {
  expect(() => Dataset.range(3).window(size, options)).toThrow(InvalidArgumentError)
})
