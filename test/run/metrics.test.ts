import { Dataset, type RunEvent, type StageMetrics, threads } from 'millstream'
import { expect, test } from 'vitest'
import { slowEven } from './fixtures/stages.ts'

async function metricsOf(ds: Dataset<unknown>): Promise<readonly StageMetrics[]> {
  const run = ds.iterate()
  for await (const _ of run.chunks());
  return run.metrics()
}

/** Works for some milliseconds, and keeps everybody else waiting. */
function burn(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('elements, chunks and skips of each stage, in the order of the plan', async () => {
  const stages = await metricsOf(
    Dataset.range(1000)
      .map((x) => x + 1)
      .filter((x) => x % 2 === 0)
      .shuffle(10)
      .map(async (x) => (x % 10 === 0 ? Promise.reject(new Error('no')) : x), {
        parallelism: 4,
        onError: 'skip',
      })
      .batch(7),
  )
  expect(stages).toMatchObject([
    { stage: 'filter#1', operators: ['range#1', 'map#1', 'filter#1'], elements: 500, skipped: 0 },
    { stage: 'shuffle#1', operators: ['shuffle#1'], elements: 500, lanes: 1 },
    { stage: 'mapAsync#1', elements: 400, skipped: 100, lanes: 4 },
    { stage: 'batch#1', elements: 58, skipped: 0 },
  ])
  for (const { chunks, elements, busyMs, at } of stages) {
    expect(chunks).toBeGreaterThan(0)
    expect(chunks).toBeLessThanOrEqual(elements)
    expect(busyMs).toBeGreaterThan(0)
    expect(at).toMatch(/metrics\.test\.ts:\d+$/)
  }
})

test('epochs count together, branches apart, lanes are workers', async () => {
  const epochs = await metricsOf(Dataset.range(50).repeat(3))
  expect(epochs).toMatchObject([
    { stage: 'range#1', elements: 150 },
    { stage: 'repeat#1', elements: 150 },
  ])
  const numbers = Dataset.range(50)
  const branches = await metricsOf(Dataset.zip([numbers, numbers.take(9)]))
  expect(branches).toMatchObject([
    { stage: 'zip#1[0]/range#1' },
    { stage: 'zip#1[1]/take#1', operators: ['zip#1[1]/range#1', 'zip#1[1]/take#1'], elements: 9 },
    { stage: 'zip#1', elements: 9 },
  ])
  const placed = await metricsOf(numbers.map(slowEven.on(threads(2))))
  expect(placed[1]).toMatchObject({ stage: 'mapAsync#1', elements: 50, lanes: 2 })
})

test('plans made per element count together, behind the plan', async () => {
  const stages = await metricsOf(
    Dataset.range(6).interleave((x) =>
      Dataset.range(x)
        .shuffle(2)
        .map((y) => y + 1),
    ),
  )
  expect(stages).toMatchObject([
    { stage: 'range#1', elements: 6 },
    { stage: 'interleave#1', elements: 15 },
    { stage: 'interleave#1()/range#1', elements: 15 },
    { stage: 'interleave#1()/shuffle#1', elements: 15 },
    { stage: 'interleave#1()/map#1', operators: ['interleave#1()/map#1'], elements: 15 },
  ])
})

test('what is left out of the plan is left out of its metrics', async () => {
  const ds = Dataset.range(9).skip(0).shuffle(4)
  expect((await metricsOf(ds)).map(({ stage }) => stage)).toEqual(['range#1', 'shuffle#1'])
  const run = ds.iterate({ optimize: false })
  expect(run.metrics().map(({ operators }) => operators)).toEqual([
    ['range#1', 'skip#1'],
    ['shuffle#1'],
  ])
  expect(run.explain()).not.toContain('rewritten\n  skip#1  left out')
  await run.close()
})

test('a run that is over explains more: numbers, sizes, who worked', async () => {
  const ds = Dataset.range(400)
    .filter((x) => x % 4 === 0)
    .map((x) => ({ x, bytes: new Uint8Array(10_000) }))
    .shuffle(50)
    .map((x) => {
      burn(1)
      return x
    })
  expect(ds.explain()).toContain('holds up to 50 elements\n')
  const run = ds.iterate()
  for await (const _ of run.chunks());
  expect(run.explain()).toMatch(/shuffle#1 +holds up to 50 elements, about 510 KB/)
  expect(run.explain()).toMatch(/shuffle#1 +a buffer of 50 % of 100/)
  expect(run.explain()).toMatch(/measured in \d+\.\d s, of which the reader waited \d+ %/)
  expect(run.explain()).toMatch(/slowest\n {2}busiest: map#2, \d+ % busy/)
  expect(run.slowest()).toMatch(/^busiest: map#2/)
  for (const line of run.explain().split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})

test('metrics of a run that stopped early are of what it did', async () => {
  const run = Dataset.range(1000).iterate({ chunk: 10 })
  expect(run.metrics()).toMatchObject([{ elements: 0, chunks: 0, busyMs: 0 }])
  expect(run.slowest()).toBeUndefined()
  for (let k = 0; k < 15; k++) await run.next()
  await run.close()
  expect(run.metrics()).toMatchObject([{ elements: 20, chunks: 2 }])
})

async function warningsOf(ds: Dataset<unknown>): Promise<readonly (readonly [string, string])[]> {
  const told: (readonly [string, string])[] = []
  const observe = (event: RunEvent): void => {
    if (event.type === 'warning') told.push([event.code, event.stage])
  }
  for await (const _ of ds.iterate({ observe }).chunks());
  return told
}

test('a function that holds up the thread is named, once', async () => {
  const fused = Dataset.range(12)
    .map((x) => x + 1)
    .map((x) => {
      burn(60)
      return x
    })
    .filter((x) => x > 0)
    .batch(2)
  expect(await warningsOf(fused)).toContainEqual(['slow-function', 'map#2'])
  expect((await warningsOf(fused)).filter(([, stage]) => stage === 'map#2')).toHaveLength(1)
})

test('so is one that works before it waits, and one behind a batch of records', async () => {
  const calls = Dataset.range(4).map(async (x) => {
    burn(60)
    return x
  })
  expect(await warningsOf(calls)).toEqual([['slow-function', 'mapAsync#1']])
  const records = Dataset.range(60)
    .map((x) => ({ x }))
    .batch(4)
    .map((batch) => {
      burn(60)
      return batch.x
    })
  expect(await warningsOf(records)).toContainEqual(['slow-function', 'map#2'])
})

test('looking for slow functions changes no result, and nothing about a resume', async () => {
  const ds = Dataset.range(40)
    .map((x, local) => {
      if (x % 13 === 0) burn(60)
      return { x, random: local.random() }
    })
    .batch(3)
  const plain = await ds.toArray({ seed: 1, epoch: 0 })
  expect(await ds.toArray({ seed: 1, epoch: 0, observe: () => undefined })).toEqual(plain)
  const run = ds.iterate({ seed: 1, epoch: 0, observe: () => undefined })
  const head = []
  for (let k = 0; k < 6; k++) head.push((await run.next()).value)
  const rest = []
  for await (const x of ds.resume(run.checkpoint())) rest.push(x)
  await run.close()
  expect([...head, ...rest]).toEqual(plain)
})

test('a resumed generator that runs from its start again is told', async () => {
  const ds = Dataset.fromGenerator(() => [1, 2, 3])
  const run = ds.iterate()
  await run.next()
  const told: RunEvent[] = []
  const rest = ds.resume(run.checkpoint(), { observe: (event) => told.push(event) })
  for await (const _ of rest);
  await run.close()
  const warning = { type: 'warning', code: 'generator-runs-again', stage: 'generator#1' }
  expect(told).toContainEqual(expect.objectContaining(warning))
})
