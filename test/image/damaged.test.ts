import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, deadLettersIn, to } from 'millstream'
import { decodeImage, encodePng } from 'millstream/image'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeFailure } from '../../src/cli/failure.ts'

const folder = mkdtempSync(join(tmpdir(), 'damaged-'))
const nameOf = (k: number): string => `photo-${String(k).padStart(4, '0')}.png`
const damaged = [3, 64, 65, 127, 200, 311, 402, 555, 700, 801, 950, 999]

beforeAll(async () => {
  const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (i * 37) % 256)
  for (let k = 0; k < 1000; k++) {
    const file = await encodePng({
      data: data.map((v) => (v + k) % 256),
      width: 8,
      height: 8,
      channels: 3,
    })
    // Cut off, of another kind, or empty.
    const n = damaged.indexOf(k)
    const cut = n < 0 ? file : [file.subarray(0, 60), Buffer.from('<html>'), Buffer.of()][n % 3]
    writeFileSync(join(folder, nameOf(k)), cut ?? file)
  }
})

afterAll(() => rmSync(folder, { recursive: true }))

const photos = (onError: 'fail' | 'deadLetter') =>
  Dataset.listFiles(join(folder, '*.png')).map(
    async (path) => {
      const { data } = await decodeImage(path)
      return { path, pixels: Float32Array.from(data) }
    },
    { parallelism: 8, onError },
  )

test('1,000 photos with 12 damaged ones: 988 in full batches, 12 named records', async () => {
  const out = join(folder, 'out.jsonl')
  const state = join(folder, 'state')
  const pipeline = photos('deadLetter')
    .batch(38)
    .map(({ path, pixels }) => ({ files: [...path], shape: pixels.shape }))
    .write(to.jsonl(out), { state })
  expect(await pipeline.run()).toMatchObject({ delivered: 26, deadLetters: 12 })
  const batches = readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { files: string[]; shape: number[] })
  expect(batches.map(({ shape }) => shape)).toEqual(Array.from({ length: 26 }, () => [38, 192]))
  const good = Array.from({ length: 1000 }, (_, k) => k).filter((k) => !damaged.includes(k))
  expect(batches.flatMap(({ files }) => files)).toEqual(good.map((k) => join(folder, nameOf(k))))

  const letters = await deadLettersIn(state)
  expect(letters.map(({ index }) => index)).toEqual(damaged)
  for (const [k, letter] of letters.entries()) {
    expect(JSON.stringify(letter)).toContain(nameOf(damaged[k] ?? -1))
  }
})

test('the same under fail: the first line names file and index', async () => {
  const error: unknown = await photos('fail')
    .toArray()
    .catch((thrown: unknown) => thrown)
  const [first] = describeFailure(error).split('\n')
  expect(first).toMatch(/^MILLSTREAM_STAGE_FAILED: mapAsync#1 \(.*damaged\.test\.ts:\d+\)/)
  expect(first).toMatch(/element 3\b/)
  expect(first).toContain(nameOf(3))
})
