import { getEventListeners } from 'node:events'
import { Dataset } from 'millstream'
import { takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

/** Counts what is open: generators running, calls under way. */
class Opened {
  generators = 0
  calls = 0

  source(length = Infinity): Dataset<number> {
    return Dataset.fromGenerator(() => this.#generate(length))
  }

  async *#generate(length: number): AsyncGenerator<number> {
    this.generators++
    try {
      for (let i = 0; i < length; i++) {
        if (i % 5 === 4) await new Promise(setImmediate)
        yield i
      }
    } finally {
      this.generators--
    }
  }

  call = async (x: number): Promise<number> => {
    this.calls++
    await new Promise((resolve) => setTimeout(resolve, 1 + (x % 3)))
    this.calls--
    return x
  }
}

const pipelines: Readonly<Record<string, (opened: Opened) => Dataset<unknown>>> = {
  plain: (o) => o.source().map((x) => x + 1),
  async: (o) => o.source().map(o.call, { parallelism: 4 }),
  paged: (o) =>
    Dataset.fromPages({
      start: 1,
      read: async (page) => ({ items: [await o.call(page), -page], next: page + 1 }),
    }).assertCardinality(Infinity),
  streamed: (o) => Dataset.from(Dataset.from(o.source().toReadableStream()).toNodeStream()),
  prefetched: (o) => o.source().map(o.call, { parallelism: 4 }).batch(3).prefetch(4),
  shuffled: (o) => o.source().shuffle(10).batch(2),
  zipped: (o) => Dataset.zip([o.source(), o.source(40).map(o.call, { parallelism: 3 }).repeat()]),
  repeated: (o) => o.source(7).cache().repeat().prefetch(3),
  concatenated: (o) => o.source(5).concatenate(o.source()).map(o.call, { parallelism: 2 }),
  flattened: (o) => o.source().flatMap((x) => o.source(x % 3).map(o.call, { parallelism: 2 })),
  interleaved: (o) =>
    o.source().interleave(() => o.source().map(o.call), { cycleLength: 3, parallelism: 2 }),
  'interleaved in any order': (o) =>
    o.source().interleave((x) => o.source(2 + (x % 5)).map(o.call), { deterministic: false }),
  windowed: (o) =>
    o
      .source()
      .window(3, { shift: 1 })
      .flatMap((w) => w.map(o.call).batch(2)),
  grouped: (o) =>
    o.source().groupByWindow({
      key: (x) => x % 3,
      reduce: (_, w) => w.map(o.call, { parallelism: 2 }),
      windowSize: 4,
    }),
}

const positions = [0, 1, 4, 17]

for (const [name, make] of Object.entries(pipelines)) {
  test.each(positions)(
    `${name}: leaving the loop after %s elements leaves nothing open`,
    async (n) => {
      const opened = new Opened()
      let seen = 0
      for await (const x of make(opened)) {
        expect(x).toBeDefined()
        if (++seen > n) break
      }
      expect(opened).toMatchObject({ generators: 0, calls: 0 })
    },
  )

  test.each(positions)(
    `${name}: an error in the loop body after %s elements leaves nothing open`,
    async (n) => {
      const opened = new Opened()
      let seen = 0
      const loop = async (): Promise<void> => {
        for await (const x of make(opened)) if (++seen > n) throw new Error(`at ${String(x)}`)
      }
      await expect(loop()).rejects.toThrow('at')
      expect(opened).toMatchObject({ generators: 0, calls: 0 })
    },
  )

  test.each(positions)(
    `${name}: an abort after %s elements rejects with its reason and leaves nothing open`,
    async (n) => {
      const opened = new Opened()
      const control = new AbortController()
      const run = make(opened).iterate({ signal: control.signal })
      await takeFrom(run, n)
      const reason = new Error('enough')
      const next = takeFrom(run, Infinity)
      setTimeout(() => control.abort(reason), 5)
      await expect(next).rejects.toBe(reason)
      expect(opened).toMatchObject({ generators: 0, calls: 0 })
      expect(getEventListeners(control.signal, 'abort')).toHaveLength(0)
    },
  )

  test(`${name}: closing during a pull settles it`, async () => {
    const opened = new Opened()
    const run = make(opened).iterate()
    const pending = takeFrom(run, Infinity)
    await new Promise((resolve) => setTimeout(resolve, 3))
    await run.close()
    await pending
    expect(opened).toMatchObject({ generators: 0, calls: 0 })
    expect(await run.next()).toEqual({ done: true, value: undefined })
  })
}

test('a source that never answers does not hold a close', async () => {
  const silent = Dataset.fromGenerator(async function* () {
    yield 1
    await new Promise(() => undefined)
  })
  const run = silent.prefetch(2).iterate()
  expect(await run.next()).toMatchObject({ value: 1 })
  await run.close()
})

test('an endless synchronous pipeline lets timers run', async () => {
  const signal = AbortSignal.timeout(30)
  const endless = Dataset.range(10)
    .repeat()
    .filter((x) => x < 0)
  await expect(endless.toArray({ signal })).rejects.toThrow(/timeout/i)
})

test('a signal that is aborted before the run begins stops it', async () => {
  const signal = AbortSignal.abort(new Error('never mind'))
  await expect(Dataset.range(3).toArray({ signal })).rejects.toThrow('never mind')
})

test('a cache that was being filled when the reader left is filled anew, and whole', async () => {
  const slow = Dataset.fromGenerator(async function* () {
    for (let i = 0; i < 40; i++) {
      await new Promise(setImmediate)
      yield i
    }
  })
  const cached = slow.cache().prefetch(5)
  for (let n = 0; n < 6; n++) {
    const run = cached.iterate({ chunk: 2 })
    await takeFrom(run, n)
    await run.close()
  }
  expect(await cached.toArray()).toEqual(Array.from({ length: 40 }, (_, k) => k))
})
