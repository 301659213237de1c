import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Column, DataError, Dataset, InvalidArgumentError, StorageError, Tensor } from 'millstream'
import { checkResume, firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

const folder = testFolder()
let count = 0
const fresh = (): string => join(folder, `s${count++}`)

const values: readonly unknown[] = [
  0,
  -0,
  NaN,
  -1.5e300,
  'text',
  '\ud800 half a pair',
  '',
  10n ** 30n,
  true,
  null,
  undefined,
  new Date(5),
  new Date(NaN),
  /a+/gi,
  [1, 'two', [3n]],
  { a: { b: [{}] }, c: undefined },
  Float32Array.of(1, NaN, -0),
  Uint8ClampedArray.of(1, 255),
  BigInt64Array.of(-1n),
  new Float64Array(10).subarray(2, 4).fill(7),
  Buffer.from('bytes'),
  new Uint8Array([1, 2, 3]).buffer,
  new DataView(new ArrayBuffer(3)),
  new Tensor(Float64Array.of(1, 2, 3, 4), [2, 2]),
  Column.copy(['a', 'b']),
  Column.copy([Column.copy([1]), { t: new Tensor(Int8Array.of(1, 2), [1, 2]) }]),
  new Map<unknown, unknown>([
    ['x', new Set([1, 'y'])],
    [{ k: 1 }, new Tensor(Uint8Array.of(1), [1, 1])],
  ]),
  new Set([Buffer.from('b'), Column.copy(['c'])]),
]

test('values of every kind come back as they were', async () => {
  const path = fresh()
  expect(await Dataset.fromArray(values).save(path)).toBe(values.length)
  const back = await Dataset.load(path).toArray()
  expect(back).toStrictEqual(values)
  back.forEach((x, k) => {
    const prototype: unknown = Object.getPrototypeOf(Object(x))
    expect(prototype).toBe(Object.getPrototypeOf(Object(values[k])))
  })
})

test('batches, columns and records of them', async () => {
  const batches = Dataset.range(1000)
    .map((id) => ({ id, name: `n${id}`, pixels: new Uint8Array(50).fill(id) }))
    .batch(32)
  const path = fresh()
  await batches.save(path)
  expect(await Dataset.load(path).toArray()).toStrictEqual(await batches.toArray())
})

const rows = Dataset.range(5000).map((id) => ({ id, text: `row ${id}`, v: Float32Array.of(id) }))
const ids = (ds: Dataset<{ id: number }>): Promise<number[]> => ds.map(({ id }) => id).toArray()

test('a loaded dataset knows its number, and is read by position', async () => {
  const path = fresh()
  await rows.save(path)
  const loaded = Dataset.load<{ id: number }>(path)
  expect(loaded.cardinality()).toBe(5000)
  const shuffled = await ids(loaded.shuffle('global', { seed: 3 }))
  expect(shuffled).toEqual(await ids(rows.shuffle('global', { seed: 3 })))
  expect(await ids(loaded.skip(4000).shard(7, 3))).toEqual(await ids(rows.skip(4000).shard(7, 3)))
  expect(await ids(loaded.filter(({ id }) => id % 999 === 0).repeat(2))).toEqual(
    await ids(rows.filter(({ id }) => id % 999 === 0).repeat(2)),
  )
  expect(loaded.explain()).toMatch(/load#1 +elements=5000/)
})

test('it resumes at any element, whatever stands behind it', async () => {
  const path = fresh()
  await Dataset.range(300).save(path)
  const loaded = Dataset.load<number>(path)
  await checkResume(loaded)
  await checkResume(loaded.shuffle('global').batch(7))
  await checkResume(loaded.flatMap((x) => [x, -x]).filter((x) => x % 3 !== 0))
  const run = loaded.iterate()
  await takeFrom(run, 250)
  expect(JSON.stringify(run.checkpoint()).length).toBeLessThan(200)
  await run.close()
})

test('an element may be changed without harm to the next reader of it', async () => {
  const path = fresh()
  await rows.take(100).save(path)
  const loaded = Dataset.load<{ v: Float32Array }>(path)
  const sums = loaded.map(({ v }) => v.fill(v[0] === 0 ? 1 : (v[0] ?? 0) * 2)[0])
  const wanted = Array.from({ length: 100 }, (_, k) => (k === 0 ? 1 : 2 * k))
  expect(await sums.repeat(2).toArray()).toEqual([...wanted, ...wanted])
})

test('a failed element is read again where an expansion goes on behind it', async () => {
  const path = fresh()
  await Dataset.range(9).save(path)
  const parts = Dataset.load<number>(path)
    .flatMap((x) => [x, x + 0.5, x + 0.75])
    .map((x) => {
      if (x === 4.5) throw new Error('no')
      return x
    })
  const got = await firstOf(parts.ignoreErrors().iterate(), 99)
  expect(got).toHaveLength(26)
  expect(got).not.toContain(4.5)
})

test('nothing is a dataset too', async () => {
  const path = fresh()
  expect(await Dataset.range(0).save(path)).toBe(0)
  expect(await Dataset.load(path).toArray()).toEqual([])
})

test('the same elements have the same identity, others have another', async () => {
  const paths = [fresh(), fresh(), fresh()] as const
  await Dataset.range(9).save(paths[0])
  await Dataset.range(9).save(paths[1], { chunk: 2 })
  await Dataset.range(1, 10).save(paths[2])
  const run = Dataset.load(paths[0]).iterate()
  await takeFrom(run, 5)
  const checkpoint = run.checkpoint()
  await run.close()
  expect(await firstOf(Dataset.load(paths[1]).resume(checkpoint), 9)).toEqual([5, 6, 7, 8])
  expect(() => Dataset.load(paths[2]).resume(checkpoint)).toThrow(/differs at load#1/)
})

test('a folder that is taken is refused, and can be replaced', async () => {
  const path = fresh()
  await Dataset.range(3).save(path)
  await expect(Dataset.range(4).save(path)).rejects.toThrow(
    /holds 3 elements already.*overwrite: true/,
  )
  const old = Dataset.load(path)
  await Dataset.range(4).save(path, { overwrite: true })
  expect(await Dataset.load(path).toArray()).toEqual([0, 1, 2, 3])
  await expect(old.toArray()).rejects.toThrow(/was written anew, with other elements/)

  const other = fresh()
  await Dataset.range(3).save(other)
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  await expect(Dataset.range(3).save(folder, { overwrite: true })).rejects.toThrow(
    /holds something else \(.*\); give one of its own/,
  )
  expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine')
})

test('what fails, is aborted or cannot be kept leaves nothing behind', async () => {
  const inside = fresh()
  const path = join(inside, 'deep', 'down')
  const failing = Dataset.range(9).map((x) => {
    if (x === 5) throw new Error('no five')
    return x
  })
  await expect(failing.save(path)).rejects.toThrow('no five')
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(Dataset.range(9).save(path, { signal })).rejects.toThrow('enough')
  class Point {
    x = 1
  }
  const points = Dataset.range(3000).map((x) => (x === 2500 ? [new Point()] : x))
  await expect(points.save(path)).rejects.toThrow(
    /save\(.*down\), element 2500: a Point cannot be kept.*plain data/,
  )
  const functions = Dataset.fromArray<unknown>([() => 1])
  await expect(functions.save(path)).rejects.toThrow(InvalidArgumentError)
  const circle: unknown[] = []
  circle.push({ circle, again: circle })
  await expect(Dataset.fromArray([circle]).save(path)).rejects.toThrow(/in a circle/)
  expect(readdirSync(join(inside, 'deep'))).toEqual([])
  expect(() => Dataset.load(path)).toThrow(
    /has no elements that were saved or cached; .*; seen from/,
  )
})

test('a folder that cannot be written or read is named', async () => {
  const long = join(folder, 'n'.repeat(250))
  const unwritten = Dataset.range(3).save(long)
  await expect(unwritten).rejects.toBeInstanceOf(StorageError)
  await expect(unwritten).rejects.toThrow(`cannot write the folder ${long}: ENAMETOOLONG`)
  const file = fresh()
  writeFileSync(file, '')
  await expect(Dataset.range(3).save(file)).rejects.toThrow(/cannot be read: ENOTDIR/)
})

test('a wrong folder is refused at once', () => {
  expect(() => Dataset.load('')).toThrow(/load takes the path of a folder/)
  expect(() => Dataset.load(7 as never)).toThrow(InvalidArgumentError)
  expect(() => Dataset.load(fresh())).toThrow(DataError)
})

async function damaged(change: (path: string) => void, read = 1000): Promise<string> {
  const path = fresh()
  await Dataset.range(3000)
    .map((id) => ({ id, text: 'x'.repeat(100) }))
    .save(path)
  const loaded = Dataset.load<{ id: number }>(path)
  change(path)
  const got: number[] = []
  const error: unknown = await loaded.forEach(({ id }) => got.push(id)).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(DataError)
  expect(got).toEqual(Array.from({ length: got.length }, (_, k) => k))
  expect(got.length).toBeGreaterThanOrEqual(read)
  expect((error as Error).message).toContain(path)
  expect((error as Error).message).toContain('Delete the folder')
  return (error as Error).message
}

const flip = (file: string, byte: number): void => {
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(byte) ^ 1, byte)
  writeFileSync(file, bytes)
}

test('damage is told with file and byte, behind what is whole', async () => {
  const elements = (path: string): string => join(path, 'elements.bin')
  const flipped = await damaged((path) => flip(elements(path), 200_000))
  expect(flipped).toMatch(
    /elements\.bin is damaged at byte \d+, in the chunk of elements \d+ to \d+: its checksum differs/,
  )
  const [, at, first] = /at byte (\d+), in the chunk of elements (\d+)/.exec(flipped) ?? []
  expect(Number(at)).toBeLessThanOrEqual(200_000)
  expect(Number(first)).toBeGreaterThan(1000)
  expect(await damaged((path) => truncateSync(elements(path), 150_000), 0)).toMatch(
    /elements\.bin ends at byte 150000, not at \d+: it is damaged/,
  )
  expect(await damaged((path) => truncateSync(join(path, 'chunks.bin'), 16), 0)).toMatch(
    /chunks\.bin ends at byte 16, not at \d+/,
  )
  expect(await damaged((path) => flip(join(path, 'chunks.bin'), 20), 0)).toMatch(
    /chunks\.bin is damaged: its checksum differs/,
  )
})

test('a damaged description is told when it is read', async () => {
  const path = fresh()
  await Dataset.range(3).save(path)
  truncateSync(join(path, 'millstream.json'), 10)
  expect(() => Dataset.load(path)).toThrow(/millstream\.json is damaged: .*JSON/)
  writeFileSync(join(path, 'millstream.json'), '{}')
  expect(() => Dataset.load(path)).toThrow(/is none of this version/)
})
