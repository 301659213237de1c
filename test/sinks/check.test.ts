import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, type Sink, to } from 'millstream'
import { checkSink, type SinkUnderTest } from 'millstream/testing'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

interface Row {
  readonly id: number
  readonly text: string
}

const rows = Array.from({ length: 11 }, (_, id): Row => ({ id, text: `row "${id}"` }))

/** A file in a folder of its own; what else is left there counts as output, too. */
function file(make: (path: string) => Sink<Row>): () => Promise<SinkUnderTest<Row>> {
  return async () => {
    const folder = testFolder()
    return {
      sink: make(join(folder, 'out')),
      read: async () =>
        readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    }
  }
}

test.each([
  ['jsonl', file((path) => to.jsonl(path))],
  ['csv', file((path) => to.csv(path))],
  ['csv with columns', file((path) => to.csv(path, { columns: ['text', 'id'] }))],
])('%s: died at any step, run again: byte for byte the file of an uncut run', async (_, make) => {
  const { crashes } = await checkSink(rows, make)
  expect(crashes).toBeGreaterThan(20)
  await checkSink([], make)
})

test('a function that stores by run and chunk', async () => {
  const make = async (): Promise<SinkUnderTest<Row>> => {
    const stored = new Map<string, readonly Row[]>()
    const sink = to.call<Row>(
      async ({ run, chunk }, xs) => {
        stored.set(`${run}/${chunk}`, xs)
      },
      { size: 3 },
    )
    return { sink, read: async () => [...stored.values()].flat() }
  }
  expect((await checkSink(rows, make)).crashes).toBeGreaterThan(10)
})

/** A sink in memory, right but for what `faults` says. */
function memory(faults: {
  forgets?: boolean
  doubles?: boolean
}): () => Promise<SinkUnderTest<Row>> {
  return async () => {
    const stored: Row[] = []
    const sink: Sink<Row> = {
      name: 'memory',
      structure: {},
      open: async ({ state }) => {
        const length = typeof state === 'number' ? state : 0
        if (faults.doubles !== true) stored.length = Math.min(stored.length, length)
        const waiting: Row[] = []
        return {
          write: async (_, xs) => {
            if (faults.forgets === true) waiting.push(...xs)
            else stored.push(...xs)
          },
          commit: async (): Promise<Json> => stored.length,
          finish: async () => {
            stored.push(...waiting)
          },
          abort: async () => undefined,
        }
      },
    }
    return { sink, read: async () => [...stored] }
  }
}

test('the check finds sinks that lose or double elements', async () => {
  expect((await checkSink(rows, memory({}))).crashes).toBeGreaterThan(20)
  await expect(checkSink(rows, memory({ forgets: true }))).rejects.toThrow(/died (before|after) /)
  await expect(checkSink(rows, memory({ doubles: true }))).rejects.toThrow(/died (before|after) /)
})
