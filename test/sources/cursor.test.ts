import { Dataset, type Iteration, type Json, limit, StageError } from 'millstream'
import { checkResume, takeFrom, VirtualClock } from 'millstream/testing'
import { expect, test } from 'vitest'

/** A table of rows with ids 10, 20, ..., that notes where it was read from. */
function table(n: number): {
  readonly ds: Dataset<number>
  readonly starts: number[]
  reads(): number
} {
  const starts: number[] = []
  let reads = 0
  const ds = Dataset.fromGenerator(
    async function* (_, from) {
      starts.push(from)
      for (let id = from + 10; id <= 10 * n; id += 10) {
        reads++
        yield id
      }
    },
    { start: 0, cursor: (id) => id },
  )
  return { ds, starts, reads: () => reads }
}

test('a resume goes on behind the last cursor and reads nothing before it', async () => {
  const { ds, starts, reads } = table(5000)
  const run = ds.iterate()
  expect((await takeFrom(run, 4321)).at(-1)).toBe(43_210)
  const checkpoint = run.checkpoint()
  await run.close()
  const before = reads()
  const rest: number[] = []
  for await (const id of ds.resume(checkpoint)) rest.push(id)
  expect(rest).toHaveLength(679)
  expect(rest[0]).toBe(43_220)
  expect(starts[1]).toBeGreaterThan(0)
  // What remained, and one chunk at most.
  expect(reads() - before).toBeLessThanOrEqual(679 + 1024)
  await checkResume(ds)
})

test('elements without a cursor are read again from the last that has one', async () => {
  const starts: Json[] = []
  const ds = Dataset.fromGenerator(
    (_, from) => {
      starts.push(from.group)
      return Array.from({ length: 100 - 7 * from.group }, (__, k) => {
        const at = 7 * from.group + k
        return { at, last: at % 7 === 6 }
      })
    },
    {
      start: { group: 0 },
      cursor: ({ at, last }) => (last ? { group: (at + 1) / 7 } : undefined),
    },
  )
  const run = ds.iterate({ chunk: 5 })
  await takeFrom(run, 40)
  const checkpoint = run.checkpoint()
  await run.close()
  const rest = await takeFrom(ds.resume(checkpoint), 100)
  expect(rest.map(({ at }) => at)).toEqual(Array.from({ length: 60 }, (_, k) => 40 + k))
  expect(starts).toEqual([0, 5])
  await checkResume(ds)
})

test('a cursor that cannot be told fails at its element; what precedes is delivered', async () => {
  const ds = Dataset.fromGenerator(() => [1, 2, 3, 4, 5, 6, 7, 8, 9], {
    start: 0,
    cursor: (x) => {
      if (x === 8) throw new RangeError('no cursor')
      return x
    },
  })
  for (const chunk of [1, 4, 8]) {
    const got: number[] = []
    const error: unknown = await ds.forEach((x) => got.push(x), { chunk }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(StageError)
    expect(error).toMatchObject({ index: 7, cause: expect.any(RangeError) as Error })
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7])
  }
})

/** Numbers in pages of `size`, some of them empty; counts the calls. */
function pages(
  n: number,
  size: number,
): { readonly ds: Dataset<number>; readonly calls: string[] } {
  const calls: string[] = []
  const ds = Dataset.fromPages({
    start: 'p0',
    read: async (cursor) => {
      calls.push(cursor)
      const page = Number(cursor.slice(1))
      await new Promise(setImmediate)
      const items = page % 3 === 1 ? [] : Array.from({ length: size }, (_, k) => page * size + k)
      return (page + 1) * size < n ? { items, next: `p${page + 1}` } : { items }
    },
  })
  return { ds, calls }
}

const httpError = (status: number, headers: Record<string, string> = {}) =>
  Object.assign(new Error(`status ${status}`), { status, headers })

async function collect<T>(run: Iteration<T>): Promise<T[]> {
  const out: T[] = []
  for await (const x of run) out.push(x)
  return out
}

test('pages: all items in order, each page asked for once and when it is needed', async () => {
  const { ds, calls } = pages(50, 5)
  const all = await ds.toArray()
  expect(all).toEqual(
    Array.from({ length: 50 }, (_, k) => k).filter((k) => Math.floor(k / 5) % 3 !== 1),
  )
  expect(calls).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8', 'p9'])
  calls.length = 0
  expect(await ds.take(12).toArray()).toEqual(all.slice(0, 12))
  expect(calls).toEqual(['p0', 'p1', 'p2', 'p3'])
})

test('pages resume at the page that was being delivered', async () => {
  const { ds, calls } = pages(50, 5)
  const run = ds.iterate()
  await takeFrom(run, 12)
  const checkpoint = run.checkpoint()
  await run.close()
  expect(JSON.stringify(checkpoint).length).toBeLessThan(200)
  calls.length = 0
  expect((await takeFrom(ds.resume(checkpoint), 99))[0]).toBe(17)
  expect(calls[0]).toBe('p3')
  await checkResume(ds)
  await checkResume(ds.map((x) => x * 2).batch(4))
})

test('pages that fail, lie or name themselves', async () => {
  const failing = Dataset.fromPages({
    start: 0,
    read: async (page) => {
      if (page === 2) throw new RangeError('503')
      return { items: [page, page], next: page + 1 }
    },
  })
  const got: number[] = []
  await expect(failing.forEach((x) => got.push(x))).rejects.toMatchObject({
    stage: 'pages#1',
    index: 4,
    cause: expect.any(RangeError) as Error,
  })
  expect(got).toEqual([0, 0, 1, 1])
  const circle = Dataset.fromPages({ start: '', read: () => ({ items: [1], next: '' }) })
  await expect(circle.toArray()).rejects.toThrow(/names itself as the next/)
  const wrong = Dataset.fromPages({ start: '', read: () => ({ rows: [] }) as never })
  await expect(wrong.toArray()).rejects.toThrow(/\{ items, next \}/)
})

test('pages that are refused or fail are asked for again, at the pace of their limit', async () => {
  const clock = new VirtualClock()
  const asked: { page: number; at: number }[] = []
  const ds = Dataset.fromPages({
    start: 0,
    read: async (page) => {
      asked.push({ page, at: clock.now() })
      const times = asked.filter((one) => one.page === page).length
      if (page === 1 && times === 1) throw httpError(429, { 'retry-after': '30' })
      if (page === 2 && times <= 2) throw httpError(503)
      return { items: [page, page], next: page < 3 ? page + 1 : undefined }
    },
    limit: limit('pages', { requests: '1/s' }),
    retry: { attempts: 3, delay: 100 },
  })
  const run = ds.iterate({ clock })
  const got = await clock.run(collect(run))
  expect(got).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
  expect(asked.map(({ page }) => page)).toEqual([0, 1, 1, 2, 2, 2, 3])
  expect((asked[2]?.at ?? 0) - (asked[1]?.at ?? 0)).toBeGreaterThanOrEqual(30_000)
  expect(run.spent).toEqual({ requests: 4 })

  const few = Dataset.fromPages({
    start: 0,
    read: async () => Promise.reject(httpError(503)),
    retry: 1,
  })
  await expect(clock.run(few.toArray({ clock }))).rejects.toMatchObject({ cause: { status: 503 } })
})

test('a page that takes too long has failed; leaving ends the wait for a limit', async () => {
  const clock = new VirtualClock()
  let calls = 0
  const slow = Dataset.fromPages<number, number>({
    start: 0,
    read: (_, signal) => {
      calls++
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
    timeout: '5s',
    retry: { attempts: 2, delay: 1 },
  })
  await expect(clock.run(slow.toArray({ clock }))).rejects.toMatchObject({
    cause: { code: 'MILLSTREAM_TIMEOUT' },
  })
  expect(calls).toBe(2)
  const daily = Dataset.fromPages({
    start: 0,
    read: (page) => ({ items: [page], next: page + 1 }),
    limit: limit('daily', { requests: '1/d' }),
  })
  expect(await daily.take(1).toArray()).toEqual([0])
  const run = daily.iterate()
  const first = run.next()
  await new Promise(setImmediate)
  await run.close()
  expect(await first).toEqual({ done: true, value: undefined })
})

test('a page that never comes does not hold a close; its signal is aborted', async () => {
  let signal: AbortSignal | undefined
  const ds = Dataset.fromPages<number, string>({
    start: '',
    read: (_, s) => {
      signal = s
      return new Promise(() => undefined)
    },
  })
  const run = ds.iterate()
  const next = run.next()
  await new Promise(setImmediate)
  await run.close()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(signal?.aborted).toBe(true)
})

test('arguments are checked', () => {
  const read = (): { items: number[] } => ({ items: [] })
  expect(() => Dataset.fromPages({ start: null as never, read })).toThrow(/start must be a JSON/)
  expect(() => Dataset.fromPages({ start: '', read: 3 as never })).toThrow(/takes a function/)
  const tokens = limit('pages of tokens', { tokens: '1k/s' })
  expect(() => Dataset.fromPages({ start: '', read, limit: tokens })).toThrow(/pages have no costs/)
  expect(() => Dataset.fromPages({ start: '', read, limit: 'x' as never })).toThrow(/limit\('name'/)
  expect(() => Dataset.fromGenerator(() => [1], { start: 0, cursor: 3 as never })).toThrow(
    /takes a function/,
  )
})
