import {
  BudgetError,
  Dataset,
  InvalidArgumentError,
  limit,
  type MapOptions,
  MemoryCallStore,
  type RunEvent,
  StageError,
} from 'millstream'
import { VirtualClock } from 'millstream/testing'
import { expect, test } from 'vitest'

const status = (code: number, headers: Record<string, string> = {}) =>
  Object.assign(new Error(`status ${code}`), { status: code, headers })

/** A function of the world that takes `ms` of the clock and fails as it is told. */
function world(clock: VirtualClock, ms = 100) {
  const calls: { x: number; at: number }[] = []
  const underWay = { now: 0, most: 0 }
  const fail = new Map<number, unknown[]>()
  const fn = async (x: number): Promise<number> => {
    calls.push({ x, at: clock.now() })
    underWay.most = Math.max(underWay.most, ++underWay.now)
    await clock.sleep(ms)
    underWay.now--
    const error = fail.get(x)?.shift()
    if (error !== undefined) throw error
    return x * 10
  }
  return { fn, calls, underWay, fail }
}

test('transient failures are retried, permanent ones are not', async () => {
  const clock = new VirtualClock()
  const { fn, calls, fail } = world(clock)
  fail.set(2, [status(503), status(500)])
  fail.set(4, [status(400)])
  const events: RunEvent[] = []
  const iteration = Dataset.range(6)
    .map(fn, { retry: 3, onError: 'deadLetter' })
    .iterate({ clock, observe: (event) => void events.push(event) })
  const out = await clock.run(collect(iteration))
  expect(out).toEqual([0, 10, 20, 30, 50])
  expect(calls.filter(({ x }) => x === 2)).toHaveLength(3)
  expect(calls.filter(({ x }) => x === 4)).toHaveLength(1)
  expect(iteration.retried).toBe(2)
  expect(iteration.dead).toBe(1)
  expect(iteration.deadLetters).toMatchObject([
    { index: 4, element: 4, attempts: 1, error: { status: 400 } },
  ])
  expect(iteration.deadLetters[0]?.at).toMatch(/calls\.test\.ts:\d+/)
  expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
  expect(events.filter(({ type }) => type === 'dead')).toHaveLength(1)
})

test('retries end after their number, or at their deadline', async () => {
  const clock = new VirtualClock()
  const { fn, calls, fail } = world(clock)
  fail.set(
    0,
    Array.from({ length: 1000 }, () => status(503)),
  )
  const once = Dataset.range(1).map(fn, { retry: 4 })
  await expect(clock.run(once.toArray({ clock }))).rejects.toThrow(
    'failed on element 0: status 503',
  )
  expect(calls).toHaveLength(5)
  const start = clock.now()
  const until = Dataset.range(1).map(fn, { retry: { deadline: '1m', maxDelay: '5s' } })
  await expect(clock.run(until.toArray({ clock }))).rejects.toThrow(StageError)
  expect(clock.now() - start).toBeLessThanOrEqual(60_000)
  expect(clock.now() - start).toBeGreaterThan(50_000)
})

test('pauses between retries are random, and the same in every run', async () => {
  const times = async (seed: number): Promise<number[]> => {
    const clock = new VirtualClock()
    const { fn, calls, fail } = world(clock)
    fail.set(0, [status(503), status(503), status(503)])
    await clock.run(Dataset.range(1).map(fn, { retry: 5 }).toArray({ clock, seed, epoch: 0 }))
    return calls.map(({ at }) => at)
  }
  expect(await times(1)).toEqual(await times(1))
  expect(await times(1)).not.toEqual(await times(2))
})

test('a call that takes too long is given up, its signal aborted, and made again', async () => {
  const clock = new VirtualClock()
  const aborted: unknown[] = []
  let calls = 0
  const slow = async (x: number, { signal }: { signal: AbortSignal }): Promise<number> => {
    signal.addEventListener('abort', () => aborted.push(signal.reason))
    await clock.sleep(calls++ === 0 ? 100_000 : 10)
    return x
  }
  const dataset = Dataset.range(1).map(slow, { timeout: '60s', retry: 1 })
  expect(await clock.run(dataset.toArray({ clock }))).toEqual([0])
  expect(calls).toBe(2)
  expect(aborted).toMatchObject([{ code: 'MILLSTREAM_TIMEOUT' }])
  calls = 0
  const noRetry = Dataset.range(1).map(slow, { timeout: 500 })
  await expect(clock.run(noRetry.toArray({ clock }))).rejects.toThrow('no answer within 500 ms')
})

test('a declared limit paces calls; what the server asks to wait holds all of them', async () => {
  const clock = new VirtualClock()
  const { fn, calls, fail } = world(clock)
  fail.set(10, [status(429, { 'Retry-After': '30' })])
  const paced = limit('paced', { requests: '10/s' })
  const dataset = Dataset.range(40).map(fn, { limit: paced })
  expect(await clock.run(dataset.toArray({ clock }))).toEqual(
    Array.from({ length: 40 }, (_, i) => i * 10),
  )
  const refusedAt = (calls.find(({ x }) => x === 10)?.at ?? 0) + 100
  const inside = calls.filter(({ at }) => at > refusedAt && at < refusedAt + 30_000)
  expect(inside).toEqual([])
  expect(calls).toHaveLength(41)
  for (let k = 10; k < calls.length; k++) {
    const span = (calls[k]?.at ?? 0) - (calls[k - 10]?.at ?? 0)
    expect(span).toBeGreaterThan(700)
  }
})

test('costs count: calls of many tokens are further apart', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock)
  const tokens = limit('tokens', { tokens: '60k/min' })
  await clock.run(
    Dataset.range(20)
      .map(fn, { limit: tokens, cost: (x) => (x < 10 ? 100 : 2000) })
      .toArray({ clock }),
  )
  const at = (x: number): number => calls.find((call) => call.x === x)?.at ?? 0
  expect(at(9) - at(0)).toBeCloseTo(900, -2)
  expect(at(19) - at(10)).toBeCloseTo(18_000, -3)
})

test('a call that waits for its own limit takes no place from calls of other limits', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock, 10)
  const slow = limit('places, slow', { requests: '1/s', inFlight: 100 })
  const quick = limit('places, quick', { requests: '1000/s', inFlight: 100 })
  const slowCalls = 10
  // More than may be on their way: calls of both limits wait for places, and more come behind them.
  const pages = Dataset.range(1500).map(fn, {
    limit: (x: number) => (x < slowCalls ? slow : quick),
    parallelism: 2,
  })
  await clock.run(pages.toArray({ clock }))
  const last = Math.max(...calls.filter(({ x }) => x >= slowCalls).map(({ at }) => at))
  // 1,500 calls of 10 ms, two at once: 7.5 s. Slow ones that waited in their places would add 4 s.
  expect(last - (calls[0]?.at ?? 0)).toBeLessThan(8000)
})

test('a limit for each host: a slow one holds up no other', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock)
  const hosts = ['a', 'b', 'c', 'd']
  const perHost = (x: number) => limit(`host ${hosts[x % 4]}`, { requests: '1/s', inFlight: 1 })
  // Host d comes last, and all its elements together.
  const dataset = Dataset.range(40).map(fn, { limit: perHost, parallelism: 4 })
  await clock.run(dataset.toArray({ clock }))
  expect(clock.now()).toBeLessThan(11_000)
  for (const k of [0, 1, 2, 3]) {
    const times = calls.filter(({ x }) => x % 4 === k).map(({ at }) => at)
    for (let i = 1; i < times.length; i++) {
      expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(749)
    }
  }
})

test('equal keys follow each other in order, others at the same time', async () => {
  const clock = new VirtualClock()
  const { fn, calls, fail, underWay } = world(clock)
  fail.set(3, [status(503)])
  const dataset = Dataset.range(30).map(fn, { orderedBy: (x) => x % 3, parallelism: 8, retry: 2 })
  expect(await clock.run(dataset.toArray({ clock }))).toHaveLength(30)
  expect(underWay.most).toBe(3)
  for (const key of [0, 1, 2]) {
    const order = calls.filter(({ x }) => x % 3 === key).map(({ x }) => x)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
})

test('maxErrors: so many are left out, the next fails the run; a resume remembers', async () => {
  const clock = new VirtualClock()
  const { fn, fail } = world(clock)
  for (const x of [2, 5, 7])
    fail.set(
      x,
      Array.from({ length: 9 }, () => status(404)),
    )
  const dataset = Dataset.range(10).map(fn, { onError: 'skip', maxErrors: 2 })
  const iteration = dataset.iterate({ clock })
  const out: number[] = []
  const failed = clock.run(collect(iteration, out))
  await expect(failed).rejects.toThrow('status 404 (maxErrors: 2 were left out before)')
  expect(out).toEqual([0, 10, 30, 40, 60])
  const resumed = dataset.resume(iteration.checkpoint(), { clock })
  await expect(clock.run(collect(resumed))).rejects.toThrow('maxErrors: 2')
})

test('a cache makes no call twice, in one run or the next', async () => {
  const clock = new VirtualClock()
  const { fn, calls, fail } = world(clock)
  const cache = new MemoryCallStore()
  const rows = Dataset.fromArray([1, 2, 1, 3, 2, 1]).map((id) => ({ id, tags: ['a'] }))
  const dataset = rows.map(async ({ id }) => ({ v: Float32Array.of(await fn(id)) }), {
    cache: 'doubles@v1',
    retry: 1,
    limit: limit('cached', { requests: '1/s' }),
  })
  fail.set(2, [status(503)])
  const first = await clock.run(dataset.toArray({ clock, cache }))
  expect(first.map(({ v }) => v[0])).toEqual([10, 20, 10, 30, 20, 10])
  expect(calls.map(({ x }) => x).toSorted((a, b) => a - b)).toEqual([1, 2, 2, 3])
  const before = clock.now()
  const second = await clock.run(dataset.toArray({ clock, cache }))
  expect(second).toEqual(first)
  expect(calls).toHaveLength(4)
  expect(clock.now()).toBe(before)
})

test.each(['a cache', 'a run'])(
  'results that %s has not kept yet count as under way',
  async (keeper) => {
    const clock = new VirtualClock()
    const { fn, calls } = world(clock, 1)
    const store = new MemoryCallStore()
    let kept = 0
    let most = 0
    const cache = {
      get: (key: string) => store.get(key),
      put: async (key: string, value: Uint8Array) => {
        most = Math.max(most, calls.length - kept)
        await clock.sleep(50)
        kept++
        await store.put(key, value)
      },
      close: () => store.close(),
    }
    const dataset = Dataset.range(60).map(fn, {
      parallelism: 4,
      ...(keeper === 'a cache' && { cache: 'slowly kept@v1' }),
      limit: (x) => limit(`slowly kept ${x % 3}`, { requests: '1000/s' }),
    })
    const options = keeper === 'a cache' ? { cache } : { keptCalls: async () => cache }
    const values = await clock.run(dataset.toArray({ clock, ...options }))
    expect(values).toEqual(Array.from({ length: 60 }, (_, x) => x * 10))
    expect(most).toBe(4)
  },
)

test('a cache tells apart values of all kinds, and names itself where one has no value', async () => {
  const [batch] = await Dataset.fromArray(['1', '2']).batch(2).toArray()
  const alike = [batch, new Set(['1', '2']), ['1', '2'], { 0: '1', 1: '2' }]
  const kinds = Dataset.fromArray<unknown>(alike).map((x) => (x as object).constructor.name, {
    cache: 'kinds@v1',
  })
  const store = new MemoryCallStore()
  expect(await kinds.toArray({ cache: store })).toEqual(['Column', 'Set', 'Array', 'Object'])
  const functions = Dataset.fromArray([() => 1]).map((fn) => fn(), { cache: 'functions@v1' })
  await expect(functions.toArray({ cache: store })).rejects.toThrow(
    'cache functions@v1: an element cannot be looked up: a function has no value',
  )
})

test('a budget ends the run where it is used up, and a resume goes on there', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock)
  const dataset = Dataset.range(20).map(fn, { cost: () => ({ usd: 0.1 }), parallelism: 4 })
  const iteration = dataset.iterate({ clock, budget: { usd: 1 } })
  const out: number[] = []
  const error: unknown = await clock.run(collect(iteration, out)).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(BudgetError)
  expect(error).toMatchObject({ meter: 'usd', limit: 1, code: 'MILLSTREAM_BUDGET' })
  expect(out).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
  expect(calls).toHaveLength(10)
  expect(iteration.spent['usd']).toBeCloseTo(1)
  const rest = await clock.run(collect(dataset.resume(iteration.checkpoint(), { clock })))
  expect(rest).toEqual([100, 110, 120, 130, 140, 150, 160, 170, 180, 190])
  expect(calls).toHaveLength(20)
})

test('a budget counts what calls did cost', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock)
  const dataset = Dataset.range(100).map(fn, {
    parallelism: 1,
    cost: () => 100,
    spent: (result) => (result === 0 ? 10 : 20),
  })
  const iteration = dataset.iterate({ clock, budget: { tokens: 500 } })
  await expect(clock.run(collect(iteration))).rejects.toThrow(BudgetError)
  expect(calls.length).toBe(21)
  expect(iteration.spent).toMatchObject({ tokens: 410, requests: 21 })
})

test('auto finds how many calls at once are worth it', async () => {
  const clock = new VirtualClock()
  // A server that works on 32 at a time: more only wait.
  let free = 32
  const waiting: (() => void)[] = []
  let most = 0
  const serve = async (x: number): Promise<number> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    free--
    most = Math.max(most, 32 - free + waiting.length)
    await clock.sleep(50)
    free++
    waiting.shift()?.()
    return x
  }
  const dataset = Dataset.range(6000).map(serve, { parallelism: 'auto' })
  const start = clock.now()
  await clock.run(dataset.toArray({ clock }))
  const perSecond = 6000 / ((clock.now() - start) / 1000)
  expect(perSecond).toBeGreaterThan(0.85 * (32 / 0.05))
  expect(most).toBeLessThan(100)
})

test('explain says how many calls are made at once, whoever decides it', () => {
  const fn = async (x: number): Promise<number> => x
  const said = (options: MapOptions<number, number>): string =>
    / (\S.*), order kept/.exec(Dataset.range(9).map(fn, options).explain())?.[1] ?? ''
  const auto = /as many calls at once as are worth it$/
  expect(said({})).toMatch(auto)
  expect(said({ parallelism: 3 })).toMatch(/3 calls at once$/)
  expect(said({ retry: 2 })).toMatch(/16 calls at once$/)
  expect(said({ retry: 2, parallelism: 4 })).toMatch(/4 calls at once$/)
  expect(said({ parallelism: 'auto' })).toMatch(auto)
  expect(said({ limit: limit('explained') })).toMatch(auto)
})

test.each(['cost', 'spent', 'orderedBy'])('a %s that is no function is named', (name) => {
  const options = { retry: 1, [name]: 5 } as MapOptions
  expect(() => Dataset.range(3).map((x) => x, options)).toThrow(
    `map: ${name} takes a function, not`,
  )
})

test('leaving early ends what waits for a limit or a retry', async () => {
  const clock = new VirtualClock()
  const { fn, fail } = world(clock)
  fail.set(2, [status(503, { 'retry-after': '3600' })])
  const dataset = Dataset.range(100)
    .map(fn, { limit: limit('left', { requests: '20/s' }), retry: 5 })
    .take(2)
  expect(await clock.run(dataset.toArray({ clock }))).toEqual([0, 10])
  expect(clock.now()).toBeLessThan(60_000)
})

test('leaving early makes none of the calls that wait for their turn', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock)
  const dataset = Dataset.range(100)
    .map(fn, { orderedBy: () => 0, timeout: '1m' })
    .take(2)
  expect(await clock.run(dataset.toArray({ clock }))).toEqual([0, 10])
  expect(calls.length).toBeLessThan(5)
})

test('a cost that is no amount is an error, not a call without cost', async () => {
  const clock = new VirtualClock()
  const { fn, calls } = world(clock)
  const budget = { tokens: 100 }
  for (const [cost, said] of [
    [NaN, 'map: cost: tokens must be a number from 0 on, not NaN'],
    [-1, 'map: cost: tokens must be a number from 0 on, not -1'],
    [Infinity, 'map: cost: tokens must be a number from 0 on, not Infinity'],
    [{ usd: '1' as never }, 'map: cost: usd must be a number from 0 on, not 1'],
    [{ usd: undefined as never }, 'map: cost: usd must be a number from 0 on, not undefined'],
    [undefined as never, 'map: cost must be a number of tokens or amounts by meter, not undefined'],
  ] as const) {
    const dataset = Dataset.range(3).map(fn, { cost: () => cost })
    const error: unknown = await clock
      .run(dataset.toArray({ clock, budget }))
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error).toMatchObject({ message: expect.stringContaining(said) })
  }
  expect(calls).toEqual([])
  const ran = limit('costs of run').run(() => 1, { cost: NaN })
  await expect(ran).rejects.toThrow('limit costs of run: cost: tokens must be a number from 0 on')
})

test('a signal ends the wait for a limit, and is handed to the call', async () => {
  const rare = limit('run with a signal', { requests: '1/d' })
  const control = new AbortController()
  const { signal } = control
  expect(await rare.run((given) => given === signal, { signal })).toBe(true)
  const late = rare.run(() => expect.fail('was called'), { signal })
  control.abort(new Error('the user left'))
  await expect(late).rejects.toThrow('the user left')
  await expect(rare.run(() => 1, { signal })).rejects.toThrow('the user left')
})

test('a call whose `spent` throws or gives no amount was made: it is paid as guessed', async () => {
  const clock = new VirtualClock()
  const { fn } = world(clock)
  for (const spent of [() => NaN, () => JSON.parse('no answer') as number]) {
    const iteration = Dataset.range(1)
      .map(fn, { cost: () => 7, spent, onError: 'skip' })
      .iterate({ clock, budget: { tokens: 100 } })
    expect(await clock.run(collect(iteration))).toEqual([])
    expect(iteration.spent).toEqual({ tokens: 7, requests: 1 })
  }
})

async function collect<T>(iteration: AsyncIterable<T>, out: T[] = []): Promise<T[]> {
  for await (const x of iteration) out.push(x)
  return out
}
