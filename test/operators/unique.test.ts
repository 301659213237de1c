import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, InvalidArgumentError, StageError, StorageError } from 'millstream'
import { checkResume, takeFrom } from 'millstream/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ScratchFile } from '../../src/operators/seen/scratch.ts'
import { SeenSet } from '../../src/operators/seen/seen-set.ts'
import { hash } from '../../src/stream/random.ts'

const KB = 1024

let temporary = ''
const before = process.env['TMPDIR']

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'unique-'))
  process.env['TMPDIR'] = temporary
})

afterEach(() => {
  rmSync(temporary, { recursive: true, force: true })
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
})

const left = (): string[] => readdirSync(temporary)

test('the first of equal elements, by value', async () => {
  const rows = [
    { a: 1, b: [2] },
    { b: [2], a: 1 },
    { a: 1, b: [3] },
    { a: 1, b: [2] },
  ]
  expect(await Dataset.fromArray(rows).unique().toArray()).toEqual([rows[0], rows[2]])
  const mixed = [NaN, '1', 1, NaN, 1n, -0, 0, true, '1', 1]
  expect(await Dataset.fromArray<unknown>(mixed).unique().toArray()).toEqual([
    NaN,
    '1',
    1,
    1n,
    -0,
    true,
  ])
})

test('the first of elements with equal keys', async () => {
  const people = [
    { id: 3, name: 'Ada' },
    { id: 1, name: 'Bob' },
    { id: 3, name: 'Eve' },
  ]
  const names = Dataset.fromArray(people)
    .unique((p) => p.id)
    .map((p) => p.name)
  expect(await names.toArray()).toEqual(['Ada', 'Bob'])
})

test('each epoch starts with nothing met', async () => {
  const ds = Dataset.fromArray([1, 1, 2]).unique().repeat(2)
  expect(await ds.toArray()).toEqual([1, 2, 1, 2])
  expect(ds.cardinality()).toBeUndefined()
})

test.each([100, 3 * KB, 64 * KB, 600 * KB])(
  'beyond %d bytes of memory it goes on in files, and misses nothing',
  { timeout: 60_000 },
  async (memory) => {
    const n = memory < KB ? 3000 : 40_000
    const numbers = Array.from({ length: n }, (_, k) => hash(7, k) % (n / 2))
    const ds = Dataset.fromArray(numbers).map((x) => (x % 3 === 0 ? x : `text ${x}`))
    const got = await ds.unique(undefined, { memory }).toArray()
    expect(got).toEqual([...new Set(numbers.map((x) => (x % 3 === 0 ? x : `text ${x}`)))])
    expect(left()).toEqual([])
  },
)

test('keys that were met on disk take no memory: they bring no new files', async () => {
  const old = Array.from({ length: 4000 }, (_, k) => k)
  const batches = [old, [-1, ...old], [-2, ...old], [-3, ...old]]
  let made = 0
  const make = vi.spyOn(ScratchFile, 'make')
  const seen = new SeenSet(64 * KB)
  try {
    for (const [k, batch] of batches.entries()) {
      const news = await seen.add(batch)
      expect(news.filter((isNew) => isNew)).toHaveLength(k === 0 ? batch.length : 1)
      if (k === 0) made = make.mock.calls.length
    }
    expect(made).toBeGreaterThan(0)
    expect(make).toHaveBeenCalledTimes(made)
  } finally {
    make.mockRestore()
    await seen.close()
  }
})

test('a spilled set resumes at any element', { timeout: 60_000 }, async () => {
  const spilled = Dataset.range(60)
    .map((x) => ({ id: (x * 7) % 41 }))
    .unique((x) => x.id, { memory: 1200 })
  await checkResume(spilled, 41)
  expect(left()).toEqual([])
})

const spilling = (): Dataset<number> =>
  Dataset.range(5000).unique((x) => x % 4000, { memory: 4 * KB })

test('files are gone after leaving, an abort and an error', async () => {
  for await (const x of spilling()) if (x === 3000) break
  expect(left()).toEqual([])

  const control = new AbortController()
  const aborted = spilling().forEach(
    (x) => {
      if (x === 3000) control.abort(new Error('enough'))
    },
    { signal: control.signal },
  )
  await expect(aborted).rejects.toThrow('enough')
  expect(left()).toEqual([])

  const failing = Dataset.range(5000).unique(
    (x) => {
      if (x === 4500) throw new Error('no key')
      return x
    },
    { memory: 4 * KB },
  )
  const got: number[] = []
  const error: unknown = await failing.forEach((x) => got.push(x)).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(StageError)
  expect(error).toMatchObject({ stage: 'unique#1', index: 4500 })
  expect(got).toHaveLength(4500)
  expect(left()).toEqual([])
})

test('a key that cannot be told fails at its element, and can be left out', async () => {
  const ds = Dataset.fromArray([1, 2, 3, 1, 2, 4]).unique((x) => {
    if (x === 2) throw new Error('no key')
    return x
  })
  expect(await ds.ignoreErrors().toArray()).toEqual([1, 3, 4])
  await checkResume(ds.ignoreErrors())
  const run = ds.iterate()
  expect(await takeFrom(run, 1)).toEqual([1])
  await expect(run.next()).rejects.toMatchObject({ index: 1 })
  await expect(ds.resume(run.checkpoint()).next()).rejects.toMatchObject({ index: 1 })
})

test('what was left out above it stays left out after a resume', async () => {
  let calls = 0
  const ds = Dataset.range(40)
    // Succeeds the second time.
    .map(
      async (x) => {
        if (x % 7 === 3 && calls++ < 3) throw new Error('flaky')
        return x % 20
      },
      { onError: 'skip', parallelism: 3 },
    )
    .unique()
  const run = ds.iterate()
  const head = await takeFrom(run, 15)
  const checkpoint = run.checkpoint()
  await run.close()
  const rest: number[] = []
  for await (const x of ds.resume(checkpoint)) rest.push(x)
  const all = [...head, ...rest]
  expect(new Set(all).size).toBe(all.length)
  expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, k) => k))
  expect(calls).toBeGreaterThan(3)
})

test('a folder that cannot be written is named', async () => {
  process.env['TMPDIR'] = join(temporary, 'missing')
  const error: unknown = await spilling()
    .toArray()
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(StorageError)
  expect((error as Error).message).toMatch(/missing.*ENOENT.*point TMPDIR at another folder/s)
})

test('a wrong key or option is refused at once', async () => {
  const ds = Dataset.range(3)
  expect(() => ds.unique('id' as never)).toThrow(/unique takes a function/)
  expect(() => ds.unique(undefined, { memory: 0 })).toThrow(
    /memory must be a whole number of at least 1/,
  )
  await expect(ds.unique(async (x) => x).toArray()).rejects.toThrow(InvalidArgumentError)
})
