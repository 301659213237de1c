import { Dataset, type IterateOptions, type RunEvent } from 'millstream'
import { VirtualClock } from 'millstream/testing'
import { expect, test } from 'vitest'
import { Service } from './service.ts'

type Tuned = Extract<RunEvent, { type: 'tune' }>

interface Watched {
  readonly changes: readonly Tuned[]
  readonly perSecond: number
  readonly explained: string
}

/** Reads all of it, in virtual time. */
async function watch(
  dataset: Dataset<number>,
  clock: VirtualClock,
  {
    read = async () => undefined,
    ...options
  }: IterateOptions & { read?: () => Promise<void> } = {},
): Promise<Watched> {
  const changes: Tuned[] = []
  const run = dataset.iterate({
    clock,
    observe: (event) => {
      if (event.type === 'tune') changes.push(event)
    },
    ...options,
  })
  const start = clock.now()
  let next = 0
  await clock.run(
    (async () => {
      for await (const x of run) {
        expect(x).toBe(2 * next++)
        await read()
      }
    })(),
  )
  const perSecond = next / ((clock.now() - start) / 1000)
  return { changes, perSecond, explained: run.explain() }
}

const valuesOf = (changes: readonly Tuned[]): readonly number[] => changes.map(({ kept }) => kept)

test('calls of an async function become as many as its service takes, and no more', async () => {
  const clock = new VirtualClock()
  const service = new Service(clock, 60)
  const { changes, perSecond, explained } = await watch(
    Dataset.range(12_000).map(service.call),
    clock,
  )
  expect(perSecond).toBeGreaterThan(0.8 * (60 / 0.02)) // from 16 calls on, all of it included
  expect(valuesOf(changes).at(-1)).toBeLessThan(80)
  expect(service.most).toBeLessThanOrEqual(128)
  expect(changes[0]).toMatchObject({
    stage: 'mapAsync#1',
    unit: 'calls',
    from: 16,
    to: 32,
    kept: 32,
  })
  expect(explained).toMatch(/set by the run\n.*\n {2}mapAsync#1 +\d+ calls {2}\d+ calls were \d/)
  expect(explained).toMatch(/bound by +what mapAsync#1 uses: more lanes brought nothing/)
})

test('fewer calls where more of them hinder each other', async () => {
  const clock = new VirtualClock()
  const service = new Service(clock, Infinity, (n) => (n <= 4 ? 20 : 20 * (n / 4) ** 2))
  const { changes } = await watch(Dataset.range(4000).map(service.call), clock)
  const last = valuesOf(changes).at(-1)
  expect(last).toBeGreaterThanOrEqual(3)
  expect(last).toBeLessThanOrEqual(5)
})

test('a service that takes more, or less, than before is followed', async () => {
  const clock = new VirtualClock()
  const service = new Service(clock, 32)
  let count = 0
  const drifting = async (x: number): Promise<number> => {
    if (++count === 20_000) service.capacity = 8
    return service.call(x)
  }
  const { changes } = await watch(Dataset.range(30_000).map(drifting), clock)
  const values = valuesOf(changes)
  expect(Math.max(...values)).toBeGreaterThanOrEqual(31)
  expect(values.at(-1)).toBeLessThanOrEqual(12)
})

test('only so many calls as the reader needs', async () => {
  const clock = new VirtualClock()
  const service = new Service(clock, Infinity, () => 40)
  const read = (): Promise<void> => clock.sleep(2)
  const { changes } = await watch(Dataset.range(3000).map(service.call), clock, { read })
  expect(service.most).toBeLessThanOrEqual(1.5 * (40 / 2))
  expect(changes.length).toBeLessThanOrEqual(2)
})

test.each([
  ['a number stays', { parallelism: 16 }, {}],
  ['so does everything with autotune: false', {}, { autotune: false }],
] as const)('%s', async (_, how, options) => {
  const clock = new VirtualClock()
  const service = new Service(clock, 60)
  const { changes } = await watch(Dataset.range(3000).map(service.call, how), clock, options)
  expect(changes).toEqual([])
  expect(service.most).toBe(16)
})

test('bounds that are none are refused', () => {
  const dataset = Dataset.range(3)
  expect(() => dataset.iterate({ autotune: { cpuBudget: 0 } })).toThrow(/cpuBudget must be a whole/)
  const misspelt = { cpuBudgets: 2 } as object
  expect(() => dataset.iterate({ autotune: misspelt })).toThrow(/did you mean cpuBudget/)
})
