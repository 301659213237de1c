import { setTimeout as sleep } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { ClosedError, DataError, WorkerDiedError, messageOf } from '../../src/errors/index.ts'
import { inline, threads } from '../../src/place/index.ts'
import type { Placed } from '../../src/stage/index.ts'
import type { Job, WorkPool } from '../../src/stream/pool.ts'
import { Column, Tensor } from '../../src/tensor/index.ts'
import * as stages from './fixtures/stages.ts'

/** A pool that the test closes, whatever happens. */
async function withPool<T>(
  placed: Placed<never, unknown>,
  use: (pool: WorkPool) => Promise<T>,
  signal = new AbortController().signal,
): Promise<T> {
  const pool = await placed.open(signal)
  try {
    return await use(pool)
  } finally {
    await pool.close()
  }
}

const job = (items: readonly unknown[], first = 0, key = 1): Job => ({ items, first, key })

async function values(
  placed: Placed<never, unknown>,
  items: readonly unknown[],
): Promise<readonly unknown[]> {
  return withPool(placed, async (pool) => (await pool.run(job(items))).values)
}

test('jobs run on other threads, more of them than there are threads', async () => {
  await withPool(stages.slowly.on(threads(2)), async (pool) => {
    expect(pool.width).toBe(2)
    const results = await Promise.all(Array.from({ length: 9 }, () => pool.run(job([5, 5]))))
    const ids = new Set(results.flatMap((result) => result.values))
    expect(ids.size).toBe(2)
    expect(ids).not.toContain(threadId)
    expect(new Set(results.map((result) => result.lane))).toEqual(new Set(['thread 1', 'thread 2']))
  })
})

test('work is timed by the clock of the coordinator', async () => {
  await withPool(stages.slowly.on(threads(1)), async (pool) => {
    const before = performance.now()
    const { start, end } = await pool.run(job([20]))
    const after = performance.now()
    expect(start).toBeGreaterThan(before)
    expect(end).toBeGreaterThan(start)
    expect(end).toBeLessThan(after)
  })
})

test('random numbers are those of the inline stage, wherever and in whatever company an element runs', async () => {
  const run = (pool: WorkPool, first: number, n: number): Promise<readonly unknown[]> =>
    pool
      .run(
        job(
          Array.from({ length: n }, (_, i) => first + i),
          first,
          99,
        ),
      )
      .then((r) => r.values)
  const alone = await withPool(stages.chance.on(inline), (pool) => run(pool, 0, 12))
  const onThreads = await withPool(stages.chance.on(threads(2)), async (pool) => {
    const parts = await Promise.all([run(pool, 5, 7), run(pool, 0, 1), run(pool, 1, 4)])
    return [parts[1], parts[2], parts[0]].flat()
  })
  expect(onThreads).toEqual(alone)
  expect(new Set(alone.flat()).size).toBe(36)
})

test('values arrive before the error of the element that failed, which is whole', async () => {
  await withPool(stages.picky.on(threads(1)), async (pool) => {
    const result = await pool.run(job([1, 2, -3, 4]))
    expect(result.values).toEqual([1, 2])
    const error = result.failed?.error
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: '-3 is out of range', cause: { message: 'below zero' } })
    expect((error as Error).stack).toMatch(/fixtures\/stages\.ts:\d+/)
    expect((await pool.run(job([5]))).values).toEqual([5])
  })
})

test('parameters, setup and teardown: once per worker', async () => {
  expect(await values(stages.scale.with({ factor: 3 }).on(threads(1)), [1, 2])).toEqual([3, 6])
  const log = new SharedArrayBuffer(8)
  await withPool(stages.counter.with({ log }).on(threads(2)), async (pool) => {
    await Promise.all([pool.run(job([10, 10])), pool.run(job([10, 10])), pool.run(job([10]))])
    expect([...new Int32Array(log)]).toEqual([2, 0])
  })
  expect([...new Int32Array(log)]).toEqual([2, 5])
})

test('setup that fails stops the run before it starts; teardown that fails is told', async () => {
  const opening = stages.badSetup.on(threads(2)).open(new AbortController().signal)
  await expect(opening).rejects.toThrow('setup of stages.ts#badSetup failed: no model')
  const pool = await stages.badTeardown.on(threads(1)).open(new AbortController().signal)
  await expect(pool.close()).rejects.toThrow(
    'teardown of stages.ts#badTeardown failed: cannot let go',
  )
  await expect(pool.close()).rejects.toThrow('cannot let go')
})

test('what a worker receives and returns keeps its kind', async () => {
  const items = [
    new Tensor(new Float32Array([1, 2, 3, 4]), [2, 2]),
    Column.copy(['a', 'b']),
    Buffer.from('text'),
    { deep: [Buffer.from('text'), new Tensor(new Uint8Array(4).subarray(2), [1, 2])] },
    'text',
    [1, 2],
  ]
  const kinds = ['Tensor', 'Column', 'Buffer', 'object', 'string', 'object']
  expect(await values(stages.kind.on(threads(1)), items)).toEqual(kinds)
  expect(await values(stages.echo.on(threads(1)), items)).toEqual(items)
})

test('inputs stay with the caller', async () => {
  const whole = new Float64Array([1, 2, 3])
  const row = new Float64Array(1000).subarray(3, 5)
  expect(await values(stages.echo.on(threads(1)), [whole, row])).toEqual([whole, row])
  expect([whole.length, row.length]).toEqual([3, 2])
})

test('results move; views travel without the rest of their buffer', async () => {
  const [result] = await values(stages.view.on(threads(1)), [3])
  const { whole, part, pooled, deep } = result as ReturnType<typeof stages.view> & object as {
    whole: Float32Array
    part: Uint8Array
    pooled: Buffer
    deep: { pair: [Float64Array, string] }
  }
  expect(whole).toEqual(new Float32Array([0, 1, 2]))
  expect(part).toEqual(new Uint8Array(3))
  expect(part.buffer.byteLength).toBe(3)
  expect(pooled.toString()).toBe('hello')
  expect(pooled.buffer.byteLength).toBe(5)
  expect(deep.pair).toEqual([new Float64Array([3]), 'text'])
})

test("buffers of a worker's state stay there", async () => {
  const table = new Float64Array([1, 2, 3])
  await withPool(stages.ofState.on(threads(1)), async (pool) => {
    expect((await pool.run(job([0, 0]))).values).toEqual([{ table }, { table }])
    expect((await pool.run(job([0]))).values).toEqual([{ table }])
  })
})

test('a stage keeps the buffers that it returns, whatever their size', async () => {
  await withPool(stages.ofModule.on(threads(1)), async (pool) => {
    for (const length of [3, 8_000_000]) {
      for (let k = 0; k < 2; k++) {
        const [array] = (await pool.run(job([length]))).values as [Float32Array]
        expect([array.length, array.at(-1)]).toEqual([length, 7])
      }
    }
  })
})

test('what cannot be sent fails at its element, in both directions', async () => {
  await withPool(stages.unsendable.on(threads(1)), async (pool) => {
    const out = await pool.run(job([0, 1, 2, 3]))
    expect(out.values).toEqual([0, 1])
    expect(out.failed?.error).toBeInstanceOf(DataError)
    expect(messageOf(out.failed?.error)).toContain('the result of stages.ts#unsendable')
    const into = await pool.run(job([0, 1, () => 2]))
    expect(into.values).toEqual([0, 1])
    expect(into.failed?.error).toBeInstanceOf(DataError)
    expect(messageOf(into.failed?.error)).toContain('the input of stages.ts#unsendable')
    expect((await pool.run(job([Symbol('x')]))).values).toEqual([])
    expect((await pool.run(job([4]))).values).toEqual([4])
  })
})

test('process.exit in a stage rejects the jobs in flight and all later ones', async () => {
  const pool = await stages.exits.on(threads(2)).open(new AbortController().signal)
  const jobs = [[1, 2], [3], [4], [5], [6], [7]].map((items, i) => pool.run(job(items, 2 * i)))
  const results = await Promise.allSettled(jobs)
  const death = results.find((result) => result.status === 'rejected')
  expect(death?.reason).toBeInstanceOf(WorkerDiedError)
  expect(messageOf(death?.reason)).toMatch(
    /^thread \d of stages\.ts#exits died while it worked on element 2: it left with exit code 7; a stage must not end its process/,
  )
  expect(results[0]).toMatchObject({ status: 'fulfilled', value: { values: [1, 2] } })
  await expect(pool.run(job([1]))).rejects.toThrow(WorkerDiedError)
  await pool.close()
})

test.each([
  ['an exception outside of a job', stages.throwsLater, 'from a timer'],
  ['a rejection that nobody awaits', stages.rejectsUnseen, 'nobody awaits me'],
])('%s ends the run with its message', async (_name, stage, message) => {
  const pool = await stage.on(threads(1)).open(new AbortController().signal)
  const died = await pool.run(job([1])).catch((error: unknown) => error)
  expect(died).toBeInstanceOf(WorkerDiedError)
  expect(died).toMatchObject({ cause: { message } })
  expect(messageOf(died)).toContain(message)
  await pool.close()
})

test('an idle thread that died is told when the pool is closed', async () => {
  const pool = await stages.diesIdle.on(threads(1)).open(new AbortController().signal)
  expect((await pool.run(job([1]))).values).toEqual([1])
  await sleep(100)
  await expect(pool.close()).rejects.toThrow('while idle')
})

test('closing lets jobs in flight end, refuses others, and may be repeated', async () => {
  const pool = await stages.slowly.on(threads(1)).open(new AbortController().signal)
  const [first, second, third] = [pool.run(job([20])), pool.run(job([1])), pool.run(job([1]))]
  const refused = third.catch((error: unknown) => error)
  const closing = [pool.close(), pool.close()]
  await expect(pool.run(job([1]))).rejects.toThrow(ClosedError)
  expect((await first).values).toHaveLength(1)
  expect((await second).values).toHaveLength(1)
  expect(await refused).toBeInstanceOf(ClosedError)
  await Promise.all(closing)
})

test('the signal reaches the stage and drops waiting jobs', async () => {
  const controller = new AbortController()
  const pool = await stages.untilAbort.on(threads(1)).open(controller.signal)
  const jobs = [1, 2, 3].map((x) => pool.run(job([x])))
  controller.abort(new Error('enough'))
  const [first, second, third] = await Promise.allSettled(jobs)
  expect(first).toMatchObject({ value: { values: ['1 saw the end'] } })
  expect(second).toMatchObject({ value: { values: ['2 saw the end'] } })
  expect(third).toMatchObject({ reason: { message: 'enough' } })
  await expect(pool.run(job([4]))).rejects.toThrow('enough')
  await pool.close()
  await expect(stages.double.on(threads(1)).open(controller.signal)).rejects.toThrow('enough')
})

test.each([0, -1, 1.5, 2000, Number.NaN])('threads(%s) is refused', (n) => {
  expect(() => threads(n)).toThrow(/whole number from 1 to 1024/)
})

test('places print', () => {
  expect(stages.double.on(threads(3)).place).toBe('threads(3)')
  expect(stages.double.on(threads('auto')).place).toBe('threads(auto)')
  expect(stages.double.on(inline).place).toBe('inline')
})
