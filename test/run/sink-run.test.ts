import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dataset, type Json, type RunEvent, type Sink, SinkUnavailableError, to } from 'millstream'
import { beforeEach, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { checkComplete } from '../../src/run/state.ts'

let folder = ''
let path = ''
let state = ''
beforeEach(() => {
  folder = testFolder()
  path = join(folder, 'out.jsonl')
  state = join(folder, 'state')
})

const lines = (): unknown[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
const upTo = (n: number): number[] => Array.from({ length: n }, (_, k) => k)

test('a failed run goes on at the element that failed', async () => {
  let broken = true
  const rows = Dataset.range(1000).map((x) => {
    if (broken && x === 777) throw new Error('no 777')
    return x
  })
  const pipeline = rows.write(to.jsonl(path))
  await expect(pipeline.run({ state })).rejects.toThrow('failed on element 777: no 777')
  await expect(pipeline.run({ state })).rejects.toThrow('failed on element 777: no 777')
  broken = false
  const summary = await pipeline.run({ state })
  expect(summary).toMatchObject({
    delivered: 1000,
    resumedAt: 777,
    skipped: 0,
    deadLetters: 0,
    alreadyDone: false,
  })
  expect(lines()).toEqual(upTo(1000))
  expect(await pipeline.run({ state })).toMatchObject({ delivered: 1000, alreadyDone: true })
})

test('stopped by a signal at any time, run again: each element once', async () => {
  const rows = Dataset.range(300)
    .shuffle(50)
    .map(async (x) => {
      if (x % 20 === 0) await sleep(1)
      return x
    })
    .batch(3)
    .unbatch()
  const pipeline = rows.write(to.jsonl(path), { state, every: { elements: 7 } })
  let stops = 0
  for (let n = 0; n < 200; n++) {
    const control = new AbortController()
    let commits = 0
    const observe = ({ type }: RunEvent): void => {
      if (type === 'position' && ++commits > 1 + (n % 3)) control.abort(new Error('enough'))
    }
    try {
      const summary = await pipeline.run({ signal: control.signal, observe, chunk: 1 + (n % 5) })
      expect(summary.delivered).toBe(300)
      break
    } catch (error) {
      expect(error).toMatchObject({ message: 'enough' })
      stops++
    }
  }
  expect(stops).toBeGreaterThan(5)
  expect(lines()).toEqual(await rows.toArray({ epoch: 0 }))
})

test('what comes slowly is committed while the next is waited for', async () => {
  const seen: number[] = []
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => (open = resolve))
  const rows = Dataset.fromGenerator(async function* () {
    yield* [0, 1, 2]
    await gate
    yield 3
  })
  const running = rows.write(to.jsonl(path)).run({
    state,
    every: { ms: 1 },
    observe: (event) => {
      if (event.type !== 'position') return
      seen.push(event.delivered)
      if (event.delivered === 3) open()
    },
  })
  expect((await running).delivered).toBe(4)
  // How often each is committed is a matter of time.
  expect([...new Set(seen)]).toEqual([0, 3, 4])
})

test('another pipeline, another sink, other input, another seed: refused, with what differs', async () => {
  const rows = [1, 2, 3]
  await Dataset.fromArray(rows).shuffle(3).write(to.jsonl(path)).run({ state })
  const refusal = (pipeline: { run(options: object): Promise<unknown> }, options: object = {}) =>
    pipeline.run({ state, ...options }).then(
      () => 'not refused',
      (error: Error) => error.message,
    )
  expect(await refusal(Dataset.fromArray(rows).shuffle(2).write(to.jsonl(path)))).toMatch(
    /it had shuffle\(size=3.*\), and has shuffle\(size=2.*--restart/,
  )
  const csv = to.csv(path) as Sink<unknown>
  expect(await refusal(Dataset.fromArray(rows).shuffle(3).write(csv))).toMatch(
    /it had write\(sink="jsonl".*and has write\(sink="csv"/,
  )
  expect(await refusal(Dataset.fromArray([1, 2, 4]).shuffle(3).write(to.jsonl(path)))).toMatch(
    /input of the run has changed since it was finished at .*: array\(length=3\)/,
  )
  const same = Dataset.fromArray(rows).shuffle(3).write(to.jsonl(path))
  expect(await refusal(same, { seed: 1 })).toMatch(/began with seed 0 and cannot go on with 1/)
  const anew = Dataset.fromArray([1, 2, 4]).shuffle(3).write(to.jsonl(path))
  expect(await anew.run({ state, restart: true })).toMatchObject({ delivered: 3, resumedAt: 0 })
})

test('files that come, go or change are changed input', async () => {
  writeFileSync(join(folder, 'a.txt'), '1')
  const pipeline = Dataset.listFiles(`${folder}/*.txt`).write(to.jsonl(path))
  await pipeline.run({ state })
  expect((await pipeline.run({ state })).alreadyDone).toBe(true)
  writeFileSync(join(folder, 'a.txt'), '22')
  await expect(pipeline.run({ state })).rejects.toThrow('the input of the run has changed')
  await pipeline.run({ state, restart: true })
  writeFileSync(join(folder, 'b.txt'), '')
  await expect(pipeline.run({ state })).rejects.toThrow('the input of the run has changed')
})

test('output that is gone is said, not taken for done', async () => {
  const pipeline = Dataset.range(3).write(to.jsonl(path))
  await pipeline.run({ state })
  truncateSync(path, 2)
  await expect(pipeline.run({ state })).rejects.toThrow(
    /has 2 bytes instead of 6 since; start anew/,
  )
  rmSync(path)
  await expect(pipeline.run({ state })).rejects.toThrow('out.jsonl is gone since; start anew')
})

/** A run that was stopped, and the file it was writing. */
async function stopped(): Promise<{ run: () => Promise<unknown>; part: string }> {
  let broken = true
  const rows = Dataset.range(100).map((x) => {
    if (broken && x === 50) throw new Error('stop')
    return x
  })
  const pipeline = rows.write(to.jsonl(path))
  await expect(pipeline.run({ state })).rejects.toThrow('stop')
  broken = false
  const part = readdirSync(folder).find((name) => name.endsWith('.part')) ?? ''
  expect(part).toMatch(/^\.out\.jsonl\.[0-9a-f]{8}\.part$/)
  return { run: () => pipeline.run({ state }), part: join(folder, part) }
}

test('what was written behind the last commit is cut off', async () => {
  const { run, part } = await stopped()
  writeFileSync(part, `${readFileSync(part, 'utf8')}garba`)
  await run()
  expect(lines()).toEqual(upTo(100))
})

test('a file that is not what was committed is refused', async () => {
  const { run, part } = await stopped()
  const text = readFileSync(part, 'utf8')
  writeFileSync(part, text.slice(0, 20))
  await expect(run()).rejects.toThrow(/has 20 of the \d+ bytes written: .*--restart/)
  writeFileSync(part, text.replace('9', '8'))
  await expect(run()).rejects.toThrow('holds other bytes than were written')
  rmSync(part)
  await expect(run()).rejects.toThrow('is gone: the run cannot go on where it stopped')
})

interface Saved {
  readonly position: { readonly delivered: number }
  readonly sink: { readonly bytes: number }
}

test('what a loss of power took back is made again', async () => {
  const { run } = await stopped()
  const saved = JSON.parse(readFileSync(join(state, 'state.json'), 'utf8')) as Saved
  const position = { ...saved.position, delivered: saved.position.delivered + 10 }
  const later = { ...saved, position, sink: { ...saved.sink, bytes: saved.sink.bytes + 30 } }
  writeFileSync(join(state, 'latest.json'), JSON.stringify(later))
  expect(await run()).toMatchObject({ delivered: 100, resumedAt: saved.position.delivered })
  expect(lines()).toEqual(upTo(100))
})

test.each(['', '{"v":1,"run":"another"}', '{"v', 'null'])(
  'what is left of a quick commit is not trusted: %j',
  async (text) => {
    const { run } = await stopped()
    writeFileSync(join(state, 'latest.json'), text)
    expect(await run()).toMatchObject({ delivered: 100 })
    expect(lines()).toEqual(upTo(100))
  },
)

test('who starts anew needs no state that can be read', async () => {
  const { run } = await stopped()
  writeFileSync(join(state, 'state.json'), '{"v":2}')
  await expect(run()).rejects.toThrow('start anew (--restart)')
  const summary = await Dataset.range(100).write(to.jsonl(path)).run({ state, restart: true })
  expect(summary).toMatchObject({ delivered: 100, resumedAt: 0 })
})

test('a process that dies between the last commit and the name of the file', async () => {
  const pipeline = Dataset.range(5).write(to.jsonl(path))
  await pipeline.run({ state })
  const file = join(state, 'state.json')
  const done = JSON.parse(readFileSync(file, 'utf8')) as { run: string; finished: string | null }
  writeFileSync(file, JSON.stringify({ ...done, finished: null }))
  expect(await pipeline.run({ state })).toMatchObject({ delivered: 5, resumedAt: 5 })
  writeFileSync(file, JSON.stringify({ ...done, finished: null }))
  renameSync(path, join(folder, `.out.jsonl.${done.run.slice(0, 8)}.part`))
  expect(await pipeline.run({ state })).toMatchObject({ delivered: 5, resumedAt: 5 })
  expect(lines()).toEqual(upTo(5))
})

test('an iterator that can be read only once is written, and starts anew after a failure', async () => {
  const once = (): Dataset<number> => Dataset.from([0, 1, 2, 3].values())
  const failing = once().map((x) => {
    if (x === 2) throw new Error('no')
    return x
  })
  const options = { state, every: { elements: 1 } }
  await expect(failing.write(to.jsonl(path)).run(options)).rejects.toThrow('no')
  const again = once().map((x) => x)
  expect(await again.write(to.jsonl(path)).run(options)).toMatchObject({
    delivered: 4,
    resumedAt: 0,
  })
  expect(lines()).toEqual(upTo(4))
})

test('a function is called again with the same run, chunk and elements after a crash', async () => {
  const calls: string[] = []
  let crash = true
  const pipeline = Dataset.range(20).write(
    to.call(
      ({ run, chunk, first }, xs) => {
        calls.push(JSON.stringify([run, chunk, first, xs]))
        if (crash && chunk === 3) throw new Error('lost its answer')
      },
      { size: 3, name: 'store' },
    ),
  )
  await expect(pipeline.run({ state, every: { elements: 6 } })).rejects.toThrow('lost its answer')
  crash = false
  const { run } = await pipeline.run({ state })
  const distinct = [...new Set(calls)].map((text) => JSON.parse(text) as unknown)
  expect(distinct).toEqual(upTo(7).map((k) => [run, k, 3 * k, upTo(20).slice(3 * k, 3 * k + 3)]))
  expect(calls.length).toBeGreaterThan(7)
})

test('a sink that cannot be reached for a while is opened again', async () => {
  const got: number[] = []
  let opened = 0
  let writes = 0
  const sink: Sink<number> = {
    name: 'flaky',
    structure: {},
    open: async ({ state: from }) => {
      if (++opened % 3 === 2) throw new SinkUnavailableError('not yet')
      got.length = typeof from === 'number' ? from : 0
      return {
        write: async (_, xs) => {
          if (++writes % 4 === 0) throw new SinkUnavailableError('gone')
          got.push(...xs)
        },
        commit: async (): Promise<Json> => got.length,
        finish: async () => undefined,
        abort: async () => undefined,
      }
    },
  }
  const summary = await Dataset.range(40)
    .write(sink)
    .run({
      chunk: 5,
      every: { elements: 5 },
      clock: { ...performanceClock, after: (_, fn) => performanceClock.after(0, fn) },
    })
  expect(summary.delivered).toBe(40)
  expect(got).toEqual(upTo(40))
  expect(opened).toBeGreaterThan(3)
})

test('a sink that keeps its position itself and was further than what was saved: that one counts', async () => {
  const got: number[] = []
  let position: Json | undefined
  const sink: Sink<number> = {
    name: 'own',
    structure: {},
    open: async () => ({
      position,
      write: async (_, xs) => {
        got.push(...xs)
      },
      commit: async (given): Promise<Json> => {
        position = given
        // The server did as it was told, and its answer was lost.
        if (got.length === 40) throw new SinkUnavailableError('gone')
        return null
      },
      finish: async () => undefined,
      abort: async () => undefined,
    }),
  }
  const pipeline = Dataset.range(40).write(sink)
  const summary = await pipeline.run({ state, chunk: 10, every: { elements: 10 } })
  expect(summary).toMatchObject({ delivered: 40, alreadyDone: false })
  expect(got).toEqual(upTo(40))
  expect(await pipeline.run({ state })).toMatchObject({ delivered: 40, alreadyDone: true })
})

const performanceClock = {
  now: () => performance.now(),
  date: () => Date.now(),
  after: (ms: number, fn: () => void) => {
    const timer = setTimeout(fn, ms)
    return () => {
      clearTimeout(timer)
    }
  },
}

test('a sink that is never reached fails at once', async () => {
  const sink: Sink<number> = {
    name: 'down',
    structure: {},
    open: async () => {
      throw new SinkUnavailableError('down')
    },
  }
  await expect(Dataset.range(1).write(sink).run()).rejects.toThrow('down')
})

test('a run that ends with a hole is no success', () => {
  const position = { checkpoint: null, delivered: 7, skipped: 1, dead: 1, ended: true }
  expect(() => {
    checkComplete(position, 10, 'jsonl(x)')
  }).toThrow(
    'ended with 7 elements delivered, 1 skipped and 1 dead letters, which are not the 10 that there are: jsonl(x) is not complete',
  )
  for (const expected of [7, 9, undefined]) checkComplete(position, expected, 'jsonl(x)')
})

test('--max-time as an option: stopped in time, and resumed', async () => {
  let slow = true
  const rows = Dataset.range(2000).map(async (x) => {
    if (slow) await sleep(10)
    return x
  })
  const pipeline = rows.write(to.jsonl(path), { state })
  await expect(pipeline.run({ maxTime: '10ms' })).rejects.toMatchObject({
    code: 'MILLSTREAM_OUT_OF_TIME',
  })
  slow = false
  expect((await pipeline.run()).delivered).toBe(2000)
  expect(lines()).toEqual(upTo(2000))
  await expect(pipeline.run({ restart: true, maxTime: 0 })).rejects.toThrow(
    'maxTime must be a time',
  )
})
