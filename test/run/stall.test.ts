import { setTimeout as sleep } from 'node:timers/promises'
import { Dataset, type RunEvent, StalledError, threads } from 'millstream'
import { expect, test } from 'vitest'
import { blocks } from './fixtures/stages.ts'

const forever = (): Promise<never> => new Promise(() => undefined)

function warnings(events: readonly RunEvent[]): readonly string[] {
  return events.flatMap((event) =>
    event.type === 'warning' && event.code === 'no-progress'
      ? [`${event.stage} ${event.message}`]
      : [],
  )
}

test('a call that never settles: a warning, then an error, with stage and element', async () => {
  const events: RunEvent[] = []
  let letGo = (): void => undefined
  const hangs = new Promise<void>((resolve) => (letGo = resolve))
  const run = Dataset.range(9)
    .map(async (x) => (x === 5 ? hangs : x), { parallelism: 2 })
    .iterate({ observe: (event) => events.push(event), stall: { warn: 50, fail: 200 }, chunk: 1 })
  const out: unknown[] = []
  const error = await (async () => {
    for await (const x of run) out.push(x)
  })().catch((thrown: unknown) => thrown)
  expect(out).toEqual([0, 1, 2, 3, 4])
  expect(error).toBeInstanceOf(StalledError)
  expect((error as Error).message).toMatch(
    /no progress for .* s: mapAsync#1 \(.*stall\.test\.ts:\d+\) waits for calls under way: 1, the first for element 5/,
  )
  letGo()
  expect(warnings(events)).toHaveLength(1)
  expect(warnings(events)[0]).toMatch(/^mapAsync#1 has handed on nothing for \d+ s: it waits for/)
})

test('a source that never answers is named', async () => {
  const silent = Dataset.fromGenerator(async function* () {
    yield 1
    await forever()
  })
  const reading = silent.prefetch(2).iterate({ stall: { fail: 100 } })
  expect((await reading.next()).value).toBe(1)
  await expect(reading.next()).rejects.toThrow(/generator#1 .*waits for its source/)
})

test('a worker whose thread is blocked is named with its elements', async () => {
  const events: RunEvent[] = []
  const observe = (event: RunEvent): number => events.push(event)
  const run = Dataset.range(3)
    .map(blocks.on(threads(1)))
    .iterate({ observe, stall: { warn: 50 } })
  const reading = run.next()
  while (!warnings(events).some((text) => text.includes('thread 1, which'))) await sleep(10)
  expect(warnings(events).at(-1)).toMatch(/thread 1, which has worked on element 0 for \d+ s/)
  expect((await reading).value).toBe(0)
  await run.close()
})

test('a reader that takes its time is no halt', async () => {
  const events: RunEvent[] = []
  const observe = (event: RunEvent): number => events.push(event)
  const run = Dataset.range(3).iterate({ observe, stall: { warn: 20, fail: 40 }, chunk: 1 })
  for await (const _ of run) await sleep(60)
  expect(warnings(events)).toEqual([])
})
