import { Dataset, type RunEvent, threads } from 'millstream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { array, collection, large } from './fixtures/stages.ts'

const arrays = (count: number): Dataset<{ x: number; data: Float32Array }> =>
  Dataset.range(count).map(array.on(threads(2)))

const isShared = ({ data }: { data: Float32Array }): boolean =>
  data.buffer instanceof SharedArrayBuffer

/** Whether all numbers of the array are `x`. */
const isOf = (x: number, data: Float32Array): boolean => data.every((each) => each === x)

test('batches of what threads made are right, however large, and hold memory of their own', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(false, true, 'checked' as const),
      fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
      async (count, size, inPlace, chunk) => {
        const batches = arrays(count)
          .map(({ x, data }) => ({ x, data: inPlace === false ? data : data.subarray(0, 700) }))
          .batch(size)
        const options = chunk === undefined ? { inPlace } : { inPlace, chunk }
        let next = 0
        for await (const { x, data } of batches.iterate(options)) {
          expect(data.data.buffer).toBeInstanceOf(ArrayBuffer)
          for (let k = 0; k < x.length; k++, next++) {
            expect(x[k]).toBe(next)
            const [, width] = data.shape
            expect(isOf(next, data.data.subarray(k * width, (k + 1) * width))).toBe(true)
          }
        }
        expect(next).toBe(count)
      },
    ),
    { numRuns: 6 },
  )
})

test('a batch right behind the stage is made without functions seeing what is lent', async () => {
  let rows = 0
  for await (const { x, data } of arrays(2000).batch(32).prefetch(2)) {
    for (let k = 0; k < x.length; k++) {
      expect(isOf(rows++, data.data.subarray(k * 1000, (k + 1) * 1000))).toBe(true)
    }
  }
  expect(rows).toBe(2000)
})

test('in place, elements are seen where the threads wrote them, and are right until the next', async () => {
  let next = 0
  let shared = 0
  for await (const element of arrays(3000).iterate({ inPlace: true })) {
    if (isShared(element)) shared++
    expect(element.x).toBe(next)
    expect(isOf(next++, element.data)).toBe(true)
  }
  expect(next).toBe(3000)
  expect(shared).toBeGreaterThan(0)
  next = 0
  for await (const chunk of arrays(3000).iterate({ inPlace: true }).chunks()) {
    for (const { data } of chunk) expect(isOf(next++, data)).toBe(true)
  }
  expect(next).toBe(3000)
})

test("checked, what was kept is empty when another element's numbers might be there", async () => {
  const kept: Float32Array[] = []
  for await (const { data } of arrays(50).iterate({ inPlace: 'checked', chunk: 1 })) {
    expect(kept.every((old) => old.length === 0)).toBe(true)
    expect(data).toHaveLength(1000)
    kept.push(data)
  }
  expect(kept).toHaveLength(50)
})

test.each<[string, () => Dataset<{ x: number; data: Float32Array }>]>([
  ['a filter', () => arrays(200).filter(({ x }) => x % 7 !== 3)],
  ['a shuffle', () => arrays(200).shuffle(50)],
  ['a prefetch', () => arrays(200).prefetch(3)],
  ['a second pass', () => arrays(100).repeat(2)],
  [
    'results as they finish',
    () => Dataset.range(200).map(array.on(threads(2)), { deterministic: false }),
  ],
])('%s keeps elements for longer: they are copies', async (_what, make) => {
  const all = []
  for await (const element of make().iterate({ inPlace: true })) all.push(element)
  expect(all.some(isShared)).toBe(false)
  for (const { x, data } of all) expect(isOf(x, data)).toBe(true)
})

test('without being asked for, elements are their own', async () => {
  const all = await arrays(500).toArray()
  expect(all.some(isShared)).toBe(false)
  for (const { x, data } of all) expect(isOf(x, data)).toBe(true)
})

async function detours(ds: Dataset<unknown>): Promise<readonly string[]> {
  const told: string[] = []
  const observe = (event: RunEvent): void => {
    if (event.type === 'warning' && event.code === 'slow-hand-over') {
      told.push(`${event.stage}: ${event.message}`)
    }
  }
  for await (const _ of ds.iterate({ observe }).chunks());
  return told
}

test('what goes to and from threads by a slow way is told once', async () => {
  expect(await detours(arrays(30))).toEqual([])
  expect(await detours(Dataset.range(30).map(collection.on(threads(1))))).toEqual([
    expect.stringMatching(/^mapAsync#1: hands a Map over by structured clone/),
  ])
  expect(await detours(Dataset.range(4).map(large.on(threads(1))))).toEqual([
    expect.stringMatching(/^mapAsync#1: hands over an element or its result that is larger/),
  ])
})
