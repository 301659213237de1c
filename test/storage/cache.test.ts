import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataError, Dataset, inline, InvalidArgumentError, stage } from 'millstream'
import { checkResume, firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

const folder = testFolder()
let count = 0
const fresh = (): string => join(folder, `c${count++}`)
const drafts = (path: string): string[] =>
  readdirSync(dirname(path)).filter((name) => name.startsWith(`.${basename(path)}.`))

/** A pipeline that counts how often its function is called. */
function counted(length: number) {
  const calls = { made: 0 }
  const ds = Dataset.range(length).map((x) => {
    calls.made++
    return { x, v: Float32Array.of(x) }
  })
  return { calls, ds }
}

test('it is filled once, for all runs', async () => {
  const path = fresh()
  const { calls, ds } = counted(500)
  const first = await ds.cache(path).toArray()
  expect(calls.made).toBe(500)
  expect(await ds.cache(path).repeat(2).toArray()).toEqual([...first, ...first])
  expect(await ds.cache(path).shuffle(100).take(3).toArray()).toHaveLength(3)
  expect(calls.made).toBe(500)
  expect(drafts(path)).toEqual([])
  expect(await Dataset.load(path).toArray()).toEqual(first)
})

test('a part is not kept: left, aborted, failed', async () => {
  const path = fresh()
  const { calls, ds } = counted(100)
  await firstOf(ds.cache(path).iterate(), 99)
  const control = new AbortController()
  const aborted = ds.cache(path).forEach(
    ({ x }) => {
      if (x === 50) control.abort(new Error('enough'))
    },
    { signal: control.signal, chunk: 7 },
  )
  await expect(aborted).rejects.toThrow('enough')
  const failing = ds.map((row) => {
    if (row.x === 60) throw new Error('no sixty')
    return row
  })
  await expect(failing.cache(path).toArray()).rejects.toThrow('no sixty')
  expect(await failing.cache(path).ignoreErrors().toArray()).toHaveLength(99)
  expect([existsSync(path), drafts(path)]).toEqual([false, []])
  calls.made = 0
  expect(await ds.cache(path).repeat(2).toArray()).toHaveLength(200)
  expect(calls.made).toBe(100)
})

test('the second epoch reads what the first one filled, and can be cut anywhere', async () => {
  const path = fresh()
  await checkResume(Dataset.range(23).cache(path).repeat(3).batch(4))
  await checkResume(Dataset.range(40).cache(path.concat('-b')).shuffle(9).repeat(2), 80)
})

test('a resume reads at its position, without the elements before it', async () => {
  const path = fresh()
  const { calls, ds } = counted(3000)
  await ds.cache(path).toArray()
  const run = ds.cache(path).iterate()
  await takeFrom(run, 2500)
  const checkpoint = run.checkpoint()
  await run.close()
  calls.made = 0
  const rest = await firstOf(ds.cache(path).resume(checkpoint), 1000)
  expect(rest.map(({ x }) => x)).toEqual(Array.from({ length: 500 }, (_, k) => 2500 + k))
  expect(calls.made).toBe(0)
})

test('a resume without the folder makes its elements again', async () => {
  const path = fresh()
  const { calls, ds } = counted(100)
  await ds.cache(path).toArray()
  const run = ds.cache(path).iterate()
  await takeFrom(run, 40)
  const checkpoint = run.checkpoint()
  await run.close()
  const elsewhere = `${path}-elsewhere`
  const rest = await firstOf(ds.cache(elsewhere).resume(checkpoint), 1000)
  expect(rest.map(({ x }) => x)).toEqual(Array.from({ length: 60 }, (_, k) => 40 + k))
  calls.made = 0
  expect(await ds.cache(elsewhere).toArray()).toHaveLength(100)
  expect(calls.made).toBe(0)
})

test('a resume of a cache that was filled with other elements is refused', async () => {
  const paths = [fresh(), fresh()] as const
  let add = 0
  const ds = Dataset.range(100).map((x) => x + add)
  await ds.cache(paths[0]).toArray()
  const run = ds.cache(paths[0]).iterate()
  await takeFrom(run, 40)
  const checkpoint = run.checkpoint()
  await run.close()
  add = 1
  await ds.cache(paths[1]).toArray()
  await expect(ds.cache(paths[1]).resume(checkpoint).next()).rejects.toThrow(
    /filled anew, with other elements, since the checkpoint/,
  )
})

test('another pipeline is refused, and told what differs', async () => {
  const path = fresh()
  await Dataset.range(10)
    .map((x) => x)
    .cache(path)
    .toArray()
  const other = Dataset.range(11).map((x) => x)
  const wrong = other.cache(path).toArray()
  await expect(wrong).rejects.toBeInstanceOf(DataError)
  await expect(wrong).rejects.toThrow(
    /cache of another pipeline: where that has range#1: .*stop="10".*, this one has range#1: .*stop="11".*delete this one to fill it anew/,
  )
  await expect(other.skip(1).cache(path).toArray()).rejects.toThrow(/another pipeline/)
  await expect(Dataset.range(10).cache(path).toArray()).rejects.toThrow(
    /where that has map#1: map\(\), this one has nothing more/,
  )
  // As written, not as rewritten.
  expect(
    await Dataset.range(10)
      .map((x) => x)
      .cache(path)
      .toArray({ optimize: false }),
  ).toHaveLength(10)
})

test('another seed is refused where chance decides, and only there', async () => {
  const plain = fresh()
  const decoded = Dataset.range(50).map((x, { index }) => x + index)
  const wanted = await decoded.cache(plain).toArray({ seed: 1 })
  expect(await decoded.cache(plain).toArray({ seed: 2 })).toEqual(wanted)
  const drawn = [
    Dataset.range(50).shuffle(10),
    Dataset.range(50).shuffle('global'),
    Dataset.random().take(50),
    Dataset.range(50).map((x, local) => x + local.random()),
    Dataset.range(50).map(async (x, local) => x + local.random()),
    Dataset.range(50).flatMap((x, local) => [x + local.random()]),
    Dataset.range(50).flatMap(() => Dataset.range(9).shuffle(3)),
    Dataset.range(50).map(noisy.on(inline)),
    // What it reads was kept by a cache that drew.
    Dataset.range(50)
      .shuffle(10)
      .cache(fresh())
      .map((x) => x),
    memory,
  ]
  for (const ds of drawn) {
    const path = fresh()
    const all = await ds.cache(path).toArray({ seed: 1 })
    expect(await ds.cache(path).toArray({ seed: 1, epoch: 7 })).toEqual(all)
    const wrong = ds.cache(path).toArray({ seed: 2 })
    await expect(wrong).rejects.toThrow(/holds the cache of another seed/)
  }
})

const memory = Dataset.range(50).shuffle(10).cache()
await memory.toArray({ seed: 1 })

const noisy = stage(import.meta, (x: number, local) => x + local.random())

test('what was saved, and what is something else, is no cache', async () => {
  const saved = fresh()
  await Dataset.range(3).save(saved)
  await expect(Dataset.range(3).cache(saved).toArray()).rejects.toThrow(
    /were saved, not cached: read them by Dataset.load/,
  )
  const other = fresh()
  mkdirSync(other)
  expect(await Dataset.range(3).cache(other).toArray()).toEqual([0, 1, 2])
  const mine = fresh()
  mkdirSync(mine)
  writeFileSync(join(mine, 'notes.txt'), 'mine')
  await expect(Dataset.range(3).cache(mine).toArray()).rejects.toThrow(
    /holds something else \(notes/,
  )
})

test('an element that cannot be kept is named', async () => {
  class Point {
    x = 1
  }
  const points = Dataset.range(50).map((x) => (x === 30 ? new Point() : x))
  const wrong = points.cache(fresh()).toArray()
  await expect(wrong).rejects.toBeInstanceOf(InvalidArgumentError)
  await expect(wrong).rejects.toThrow(/cache#1 .*element 30: a Point cannot be kept/)
  expect(() => points.cache('')).toThrow(/cache takes the path of a folder/)
})

test('two iterations may fill it at the same time', async () => {
  const path = fresh()
  const { calls, ds } = counted(2000)
  const cached = ds.cache(path)
  const all = await Promise.all([cached.toArray(), cached.toArray(), ds.cache(path).toArray()])
  expect(all[1]).toEqual(all[0])
  expect(all[2]).toEqual(all[0])
  expect(drafts(path)).toEqual([])
  calls.made = 0
  expect(await cached.toArray()).toEqual(all[0])
  expect(calls.made).toBe(0)
})

test('a damaged chunk is told with file and byte, behind what is whole', async () => {
  const path = fresh()
  const { ds } = counted(3000)
  await ds.cache(path).toArray()
  const file = join(path, 'elements.bin')
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(40_000) ^ 1, 40_000)
  writeFileSync(file, bytes)
  let read = 0
  const wrong = ds.cache(path).forEach(() => read++)
  await expect(wrong).rejects.toThrow(/elements\.bin is damaged at byte \d+.*its checksum differs/)
  expect(read).toBeGreaterThan(500)
  truncateSync(file, 40_000)
  await expect(ds.cache(path).toArray()).rejects.toThrow(/elements\.bin ends at byte 40000/)
})

test('what a process left that was killed meanwhile is removed by who fills the folder', async () => {
  const path = fresh()
  const run = Dataset.range(2000).cache(path).iterate()
  await takeFrom(run, 1)
  const [own] = drafts(path)
  const { pid } = spawnSync(process.execPath, ['--version'])
  const left = own?.replace(/draft-\d+/, `draft-${pid}`)
  mkdirSync(join(folder, left ?? ''))
  expect(drafts(path)).toHaveLength(2)
  await firstOf(run, 2000)
  expect(drafts(path)).toEqual([])
})

const script = fileURLToPath(new URL('fixtures/fills.ts', import.meta.url))

/** A process that fills the cache; `until` is told each line it prints. */
function filler(path: string, length: number, until: (line: string) => boolean = () => false) {
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, `${length}`])
  let out = ''
  let errors = ''
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
    if (out.split('\n').some(until)) child.kill('SIGKILL')
  })
  return new Promise<{ out: string; errors: string; signal: string | null }>((resolve) => {
    child.on('close', (_, signal) => resolve({ out, errors, signal }))
  })
}

const LENGTH = 3000
const SUM = (LENGTH * (LENGTH - 1)) / 2

test('kill -9 while it is filled: nothing is taken for a cache, and the next run fills it', async () => {
  const path = fresh()
  for (const at of [100, 900, 2500]) {
    const { signal } = await filler(path, LENGTH, (line) => line === `read ${at}`)
    expect(signal).toBe('SIGKILL')
    expect(existsSync(path)).toBe(false)
    expect(drafts(path)).toHaveLength(1)
  }
  const whole = await filler(path, LENGTH)
  expect(whole.out).toContain(`sum ${SUM}\n`)
  // What the killed ones left is gone too.
  expect(drafts(path)).toEqual([])
  expect(Dataset.load(path).cardinality()).toBe(LENGTH)
  const again = await filler(path, LENGTH)
  expect(again.out).toContain(`sum ${SUM}\n`)
})

test('two processes fill it at once: both get all, and one cache is there', async () => {
  const path = fresh()
  const both = await Promise.all([filler(path, LENGTH), filler(path, LENGTH)])
  for (const { out, errors } of both) {
    expect(errors).toBe('')
    expect(out).toContain(`sum ${SUM}\n`)
  }
  expect(drafts(path)).toEqual([])
  const ids = await Dataset.load<{ id: number }>(path)
    .map(({ id }) => id)
    .toArray()
  expect(ids).toEqual(Array.from({ length: LENGTH }, (_, k) => k))
})
