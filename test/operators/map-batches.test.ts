import fc from 'fast-check'
import { Dataset } from 'millstream'
import { takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'

const rows = Dataset.range(10).map((id) => ({ id, name: `n${id}` }))

test('columns in, columns out, elements on', async () => {
  const twice = rows.mapBatches(4, ({ id, name }) => {
    expect(id).toBeInstanceOf(Float64Array)
    return { double: id.map((n) => 2 * n), name }
  })
  expect(await twice.toArray()).toEqual(
    Array.from({ length: 10 }, (_, id) => ({ double: 2 * id, name: `n${id}` })),
  )
})

test('asynchronous, several at once, in order; any number of rows', async () => {
  const evens = Dataset.range(100).mapBatches(
    7,
    async (xs) => {
      await new Promise((resolve) => setTimeout(resolve, (xs[0] ?? 0) % 3))
      return xs.filter((x) => x % 2 === 0)
    },
    { parallelism: 4 },
  )
  expect(await evens.toArray()).toEqual(Array.from({ length: 50 }, (_, k) => 2 * k))
})

test('a batch that fails is one element to the policy', async () => {
  const run = Dataset.range(9)
    .mapBatches(
      3,
      (xs) => {
        if (xs.includes(4)) throw new Error('no 4')
        return xs
      },
      { onError: 'skip' },
    )
    .iterate()
  const seen: number[] = []
  for await (const x of run) seen.push(x)
  expect(seen).toEqual([0, 1, 2, 6, 7, 8])
  expect(run.skipped).toBe(1)
})

test('equals the model at any size, and resumes at any element', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(30), fc.integer({ min: 1, max: 9 }), fc.nat(30), async (n, size, k) => {
      const ds = Dataset.range(n).mapBatches(size, (xs) => xs.map((x) => x * x))
      const all = Array.from({ length: n }, (_, i) => i * i)
      const run = ds.iterate()
      expect(await takeFrom(run, k)).toEqual(all.slice(0, k))
      const checkpoint = run.checkpoint()
      await run.close()
      const rest: number[] = []
      for await (const x of ds.resume(checkpoint)) rest.push(x)
      expect(rest).toEqual(all.slice(k))
    }),
    { numRuns: 50 },
  )
})

test('its place is that of the call', () => {
  expect(rows.mapBatches(4, ({ id }) => id).explain()).toContain('map-batches.test.ts')
})
