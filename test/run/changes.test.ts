import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ChangeKey, Dataset, type Sink, type StandardSchema, to } from 'millstream'
import { beforeEach, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

interface Doc {
  readonly id: string
  readonly body: string
}

let state = ''
let table = new Map<string, Doc>()
let calls: string[] = []
let pruned: ChangeKey[] = []
/** Ids on which calls fail. */
let poison = new Set<string>()
beforeEach(() => {
  state = join(testFolder(), 'state')
  table = docs(100)
  calls = []
  pruned = []
  poison = new Set()
})

const docs = (n: number): Map<string, Doc> =>
  new Map(
    Array.from({ length: n }, (_, k) => [`doc ${k}`, { id: `doc ${k}`, body: `body of ${k}` }]),
  )

const source = () =>
  Dataset.fromGenerator(async function* () {
    yield* table.values()
  })

async function embed(doc: Doc): Promise<Doc> {
  await Promise.resolve()
  calls.push(doc.id)
  if (poison.has(doc.id)) throw new Error(`poisoned ${doc.id}`)
  return { ...doc, body: doc.body.toUpperCase() }
}

const rows = new Map<string, Doc>()
beforeEach(() => {
  rows.clear()
})

/** A table in memory that can prune. */
const sink = (): Sink<Doc> => ({
  name: 'rows',
  structure: {},
  open: async () => ({
    write: async (_, written) => {
      for (const doc of written) rows.set(doc.id, doc)
    },
    prune: async (keys) => {
      pruned.push(...keys)
      for (const key of keys) rows.delete(String(key))
    },
    commit: async () => null,
    finish: async () => undefined,
    abort: async () => undefined,
  }),
})

const changed = () => source().onlyChanged({ key: (d) => d.id, by: (d) => d.body })
const pipeline = () =>
  changed().map(embed, { parallelism: 4, onError: 'deadLetter' }).write(sink(), { state })

const edit = (id: string, body = 'edited'): void => {
  table.set(id, { id, body })
}

test('nothing changed: no call; 7 edited and 3 deleted: 7 calls, 3 pruned', async () => {
  const first = await pipeline().run()
  expect(first.changes).toEqual({
    added: 100,
    changed: 0,
    unchanged: 0,
    deleted: 0,
    pruned: 0,
    complete: true,
  })
  expect(calls.length).toBe(100)
  calls = []
  const second = await pipeline().run()
  expect(second).toMatchObject({ delivered: 0, alreadyDone: false })
  expect(second.changes).toMatchObject({ added: 0, changed: 0, unchanged: 100 })
  expect(calls).toEqual([])
  for (const k of [3, 14, 15, 92, 65, 35, 89]) edit(`doc ${k}`)
  for (const k of [1, 50, 99]) table.delete(`doc ${k}`)
  edit('doc 100', 'new')
  const third = await pipeline().run()
  expect(calls.toSorted()).toEqual(
    ['doc 100', 'doc 14', 'doc 15', 'doc 3', 'doc 35', 'doc 65', 'doc 89', 'doc 92'].toSorted(),
  )
  expect(pruned).toEqual(['doc 1', 'doc 50', 'doc 99'])
  expect(third.changes).toEqual({
    added: 1,
    changed: 7,
    unchanged: 90,
    deleted: 3,
    pruned: 3,
    complete: true,
  })
  expect([...rows.keys()].toSorted()).toEqual([...table.keys()].toSorted())
  // What was deleted and comes back is new.
  edit('doc 1', 'body of 1')
  expect((await pipeline().run()).changes).toMatchObject({ added: 1, changed: 0, deleted: 0 })
})

test('a source that breaks while it is read prunes nothing, and the next run goes on', async () => {
  await pipeline().run()
  calls = []
  edit('doc 3')
  edit('doc 80')
  table.delete('doc 60')
  let broken = true
  const breaking = Dataset.fromGenerator(async function* () {
    for (const [k, doc] of [...table.values()].entries()) {
      if (broken && k === 50) throw new Error('connection lost')
      yield doc
    }
  })
    .onlyChanged({ key: (d) => d.id, by: (d) => d.body })
    .map(embed, { parallelism: 4, onError: 'deadLetter' })
    .write(sink(), { state })
  await expect(breaking.run()).rejects.toThrow('connection lost')
  expect([calls, pruned]).toEqual([['doc 3'], []])
  broken = false
  const rest = await breaking.run()
  expect(calls).toEqual(['doc 3', 'doc 80'])
  // The source was read in two parts: it may have changed between them.
  expect([rest.changes?.complete, pruned]).toEqual([false, []])
  await breaking.run()
  expect([calls.length, pruned]).toEqual([2, ['doc 60']])
})

test('stopped: nothing is pruned', async () => {
  await pipeline().run()
  table.delete('doc 60')
  edit('doc 3')
  const control = new AbortController()
  const stopping = changed()
    .map((doc) => {
      control.abort(new Error('stop'))
      return doc
    })
    .write(sink(), { state: `${state}2` })
  await expect(stopping.run({ signal: control.signal })).rejects.toThrow('stop')
  expect(pruned).toEqual([])
})

test('what was left out above may be there: nothing is pruned', async () => {
  let broken = true
  const decode = async (doc: Doc): Promise<Doc> => {
    if (broken && doc.id === 'doc 7') throw new Error('cannot be read')
    return doc
  }
  const decoded = source()
    .map(decode, { onError: 'skip' })
    .onlyChanged({ key: (d) => d.id })
    .map(embed)
    .write(sink(), { state })
  broken = false
  await decoded.run()
  broken = true
  table.delete('doc 8')
  const partial = await decoded.run()
  expect(partial.changes).toMatchObject({ unchanged: 98, deleted: 0, complete: false })
  broken = false
  calls = []
  const whole = await decoded.run()
  expect([calls, pruned]).toEqual([[], ['doc 8']])
  expect(whole.changes).toMatchObject({ unchanged: 99, deleted: 1, complete: true })
})

test.each(['deadLetter', 'skip'] as const)(
  'an element left out by %s comes again next time, and no other',
  async (onError) => {
    poison = new Set(['doc 20', 'doc 21', 'doc 99'])
    const run = () =>
      changed().map(embed, { parallelism: 8, onError }).write(sink(), { state }).run()
    expect(await run()).toMatchObject({ delivered: 97 })
    calls = []
    expect(await run()).toMatchObject({ delivered: 0 })
    expect(calls).toEqual(['doc 20', 'doc 21', 'doc 99'])
    calls = []
    poison.clear()
    table.delete('doc 21')
    const { delivered, deadLetters, changes } = await run()
    expect({ delivered, deadLetters }).toEqual({ delivered: 2, deadLetters: 0 })
    expect(changes).toMatchObject({ changed: 2, deleted: 1 })
    expect([calls, pruned]).toEqual([['doc 20', 'doc 99'], ['doc 21']])
    calls = []
    await run()
    expect(calls).toEqual([])
  },
)

test('behind calls and stages that read ahead: exactly the elements that were left out come again', async () => {
  const slow = async (doc: Doc): Promise<Doc> => {
    await new Promise((resolve) => setImmediate(resolve))
    return doc
  }
  const run = (every?: { readonly elements: number }, stopAt?: string) =>
    changed()
      .map(slow, { parallelism: 8 })
      .filter((doc) => doc.id !== 'doc 30')
      .prefetch(16)
      .map(slow)
      .map(embed, { parallelism: 4, onError: 'deadLetter' })
      .map((doc) => {
        if (doc.id === stopAt) throw new Error('stopped')
        return doc
      })
      .write(sink(), { state, ...(every && { every }) })
      .run()
  poison = new Set(['doc 0', 'doc 29', 'doc 31', 'doc 64', 'doc 99'])
  // The letters of before the fault are kept with the position, and so is what they were made of.
  await expect(run({ elements: 1 }, 'doc 50')).rejects.toThrow('stopped')
  expect(await run()).toMatchObject({ deadLetters: 5, delivered: 94 })
  calls = []
  await run()
  expect(calls).toEqual(['doc 0', 'doc 29', 'doc 31', 'doc 64', 'doc 99'])
  poison.clear()
  await run()
  calls = []
  expect((await run()).changes).toMatchObject({ unchanged: 100 })
  expect([calls, rows.size]).toEqual([[], 99])
})

test('of pieces and batches that fail, the elements that they were made of come again', async () => {
  const pieces = (doc: Doc): Doc[] =>
    [0, 1, 2].map((k) => ({ id: `${doc.id}/${k}`, body: doc.body }))
  const asked: string[] = []
  const run = () =>
    changed()
      .map((doc) => {
        asked.push(doc.id)
        return doc
      })
      .flatMap(pieces)
      .map(async (piece) => piece)
      .batch({ max: 4 })
      .map(
        async (batch) => {
          if (batch.id.some((id) => poison.has(id))) throw new Error('poisoned batch')
          return batch
        },
        { parallelism: 3, onError: 'deadLetter' },
      )
      .unbatch()
      .write(sink(), { state })
      .run()
  poison = new Set(['doc 50/1'])
  const { deadLetters } = await run()
  expect([deadLetters, asked.length]).toEqual([1, 100])
  asked.length = 0
  poison.clear()
  await run()
  // Pieces 150 to 153, in batches of four 148 to 151 of documents 49 and 50; one more is too many, not too few.
  expect(asked.slice(0, 2)).toEqual(['doc 49', 'doc 50'])
  expect(asked.length).toBeLessThanOrEqual(3)
  asked.length = 0
  await run()
  expect(asked).toEqual([])
  expect(rows.size).toBe(300)
})

test('elements that a schema refuses, and those that datasets within leave out, come again', async () => {
  const asked: string[] = []
  const schema: StandardSchema<Doc, Doc> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (doc: unknown) =>
        poison.has((doc as Doc).id) ? { issues: [{ message: 'bad' }] } : { value: doc as Doc },
    },
  }
  const run = () =>
    changed()
      .map((doc) => {
        asked.push(doc.id)
        return doc
      })
      .validate(schema, { onError: 'skip' })
      .flatMap((doc) =>
        Dataset.range(3).map(
          async (k) => {
            if (poison.has(`${doc.id}/${k}`)) throw new Error('poisoned')
            return { id: `${doc.id}/${k}`, body: doc.body }
          },
          { onError: 'skip' },
        ),
      )
      .write(sink(), { state })
      .run()
  poison = new Set(['doc 11', 'doc 33/1'])
  await run()
  asked.length = 0
  await run()
  expect(asked).toContain('doc 11')
  expect(asked).toContain('doc 33')
  poison.clear()
  await run()
  asked.length = 0
  await run()
  expect([asked, rows.size]).toEqual([[], 300])
})

test('a run that failed goes on with the same pass; what was committed is not called again', async () => {
  await pipeline().run()
  calls = []
  for (let k = 0; k < 60; k++) edit(`doc ${k}`)
  let broken = true
  const failing = changed()
    .map(embed, { parallelism: 4 })
    .map((doc) => {
      if (broken && doc.id === 'doc 40') throw new Error('no 40')
      return doc
    })
    .write(sink(), { state: `${state}2`, every: { elements: 1 } })
  await expect(failing.run()).rejects.toThrow('no 40')
  broken = false
  calls = []
  const rest = await failing.run()
  expect(rest).toMatchObject({ resumedAt: 40, delivered: 100 })
  expect(rest.changes).toMatchObject({ added: 100, unchanged: 0 })
  // Calls whose results were not handed out yet are made again.
  expect(calls.slice(-60)).toEqual(Array.from({ length: 60 }, (_, k) => `doc ${k + 40}`))
  expect(calls.length).toBeLessThan(100)
})

test('input that tells that it has changed: an unfinished pass is given up, not the pipeline', async () => {
  let broken = false
  const items = () =>
    Dataset.fromArray([...table.values()])
      .onlyChanged({ key: (d) => d.id })
      .map((doc) => {
        if (broken && doc.id === 'doc 50') throw new Error('no 50')
        calls.push(doc.id)
        return doc
      })
      .write(sink(), { state, every: { elements: 1 } })
  await items().run()
  for (let k = 0; k < 60; k++) edit(`doc ${k}`)
  calls = []
  broken = true
  await expect(items().run()).rejects.toThrow('no 50')
  expect(calls.length).toBe(50)
  broken = false
  table.delete('doc 99')
  expect((await items().run()).changes).toMatchObject({ changed: 60, unchanged: 39, deleted: 1 })
  expect(pruned).toEqual(['doc 99'])
})

test('one key with two contents is an error; the same element twice is one', async () => {
  const twice = [...table.values(), { id: 'doc 5', body: 'body of 5' }]
  const of = (items: readonly Doc[]) =>
    Dataset.fromArray(items)
      .onlyChanged({ key: (d) => d.id })
      .write(sink(), { state })
      .run({ restart: true })
  expect((await of(twice)).delivered).toBe(100)
  await expect(of([...twice, { id: 'doc 5', body: 'other' }])).rejects.toThrow(
    /onlyChanged#1.* failed on element 101: two elements have the key "doc 5", and differ/,
  )
})

test('keys of all kinds are told apart, and come back as they were', async () => {
  const keys: ChangeKey[] = [1, '1', 1n, true, 'true', ['1', 1], '["1",1]', [1n, false], '']
  let all = keys
  const run = () =>
    Dataset.fromGenerator(() => all)
      .onlyChanged({ key: (k) => k })
      .map((k) => ({ id: String(k), body: '' }))
      .write(sink(), { state })
      .run()
  expect((await run()).delivered).toBe(keys.length)
  all = ['1']
  await run()
  expect(pruned).toEqual(keys.filter((key) => key !== '1'))
  all = [Number.NaN]
  await expect(run()).rejects.toThrow('key must give a text, a number')
})

test('a file gets what changed behind what it has; deletions are counted', async () => {
  const path = join(state, '..', 'out.jsonl')
  const run = () => changed().write(to.jsonl(path), { state }).run()
  await run()
  edit('doc 3')
  table.delete('doc 4')
  const { delivered, changes } = await run()
  expect([delivered, changes?.deleted, changes?.pruned]).toEqual([1, 1, 0])
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect([lines.length, lines.at(-1)]).toEqual([101, '{"id":"doc 3","body":"edited"}'])
  expect(readdirSync(state).filter((name) => /^(changes|left-out)/.test(name))).toEqual([
    'changes-2.bin',
    'left-out-2.bin',
  ])
})

test('without a folder it is refused; iterate({ state }) shows what would pass', async () => {
  await expect(changed().write(sink()).run()).rejects.toThrow(/needs a folder.*run\(\{ state: DIR/)
  await expect(changed().toArray()).rejects.toThrow(/iterate\(\{ state: DIR \}\)/)
  expect((await changed().toArray({ state })).length).toBe(100)
  await pipeline().run()
  edit('doc 9')
  const shown = changed().take(5).toArray({ state })
  expect(await shown).toEqual([{ id: 'doc 9', body: 'edited' }])
  expect((await pipeline().run()).delivered).toBe(1)
})

test('another key, or a source that is not there, empties no sink', async () => {
  await pipeline().run()
  const other = () =>
    source()
      .onlyChanged({ key: (d) => [d.id], by: (d) => d.body })
      .map(embed, { parallelism: 4, onError: 'deadLetter' })
      .write(sink(), { state })
  for (let n = 0; n < 2; n++) {
    await expect(other().run()).rejects.toThrow(/not one of the 100 keys of the last run/)
  }
  table.clear()
  await expect(pipeline().run()).rejects.toThrow(/Is the source what it was/)
  expect([pruned, rows.size]).toEqual([[], 100])
  table = docs(100)
  expect((await other().run({ restart: true })).changes).toMatchObject({ added: 100 })
})

test('to.call prunes by a function; a sink that wants to prune needs onlyChanged', async () => {
  const told: unknown[] = []
  const call = to.call((_, written: readonly Doc[]) => told.push(written.length), {
    size: 100,
    prune: ({ run }, keys) => told.push([typeof run, ...keys]),
  })
  await changed().write(call, { state }).run()
  table.delete('doc 4')
  await changed().write(call, { state }).run()
  expect(told).toEqual([100, ['string', 'doc 4']])
  expect(() => source().write(call)).toThrow(/put .onlyChanged/)
})

test('restart forgets what was written before', async () => {
  await pipeline().run()
  expect((await pipeline().run({ restart: true })).changes).toMatchObject({ added: 100 })
})

test('what cannot stand above or behind is refused, with what to do', () => {
  const by = { key: (d: Doc) => d.id }
  const above =
    (cut: () => Dataset<Doc>): (() => unknown) =>
    () =>
      cut().onlyChanged(by)
  expect(above(() => source().take(3))).toThrow(/behind take#1.*would count as deleted/)
  expect(above(() => source().takeWhile(() => true))).toThrow(/Use filter/)
  expect(above(() => source().cache())).toThrow(/changes stay unseen/)
  expect(above(() => source().repeat(2))).toThrow(/each key would come again/)
  expect(above(() => changed())).toThrow(/there can be one/)
  expect(() =>
    source()
      .batch(2)
      .onlyChanged({ key: (b) => b.id[0] ?? '' }),
  ).toThrow(/batch#1.*Put onlyChanged above it/)
  expect(() => Dataset.counter().onlyChanged({ key: (n) => n })).toThrow(/comes to an end/)
  const behind = (rest: Dataset<Doc>) => () => rest.write(sink())
  expect(behind(changed().take(3))).toThrow(/take#1.* cannot stand behind onlyChanged/)
  expect(behind(changed().map(async (x) => x, { deterministic: false }))).toThrow(
    /mapAsync#1.* cannot stand behind onlyChanged: elements overtake each other/,
  )
  expect(behind(changed().shuffle(3))).toThrow(/put it above onlyChanged/)
  expect(behind(changed().ignoreErrors())).toThrow(/onError: 'skip' or 'deadLetter'/)
  expect(behind(changed().concatenate(source()))).toThrow(/has other inputs/)
  expect(behind(changed().batch(3, { dropRemainder: true }).unbatch())).toThrow(/dropRemainder/)
  expect(behind(changed().map((d) => d))).not.toThrow()
})
