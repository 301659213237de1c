import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { CallLog } from '../../src/run/call-log.ts'

const root = mkdtempSync(join(tmpdir(), 'call-log-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const folder = (): string => join(root, String(folders++))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value)
const files = (path: string): string[] => readdirSync(path).map((name) => join(path, name))

test('what is put is there at once, in the next process, and for a second one beside it', async () => {
  const path = folder()
  const first = new CallLog(path)
  await Promise.all(Array.from({ length: 500 }, (_, k) => first.put(`k${k}`, bytes(`value ${k}`))))
  expect(text(await first.get('k7'))).toBe('value 7')
  const beside = new CallLog(path)
  expect(text(await beside.get('k499'))).toBe('value 499')
  await beside.put('mine', bytes('x'))
  await first.put('k7', bytes('again'))
  await Promise.all([first.close(), beside.close()])
  const next = new CallLog(path)
  expect(text(await next.get('mine'))).toBe('x')
  expect(text(await next.get('k100'))).toBe('value 100')
  expect(await next.get('other')).toBeUndefined()
  await next.close()
  expect(files(path)).toHaveLength(2)
})

test('a store that nothing is put into leaves no file', async () => {
  const path = folder()
  const log = new CallLog(path)
  expect(await log.get('a')).toBeUndefined()
  await log.close()
  expect(files(path)).toEqual([])
})

test('cut off anywhere, all whole records are there', async () => {
  const path = folder()
  const log = new CallLog(path)
  const values = ['a', 'bb'.repeat(400), '', 'dddd'].map(bytes)
  for (const [k, value] of values.entries()) await log.put(`key ${k}`, value)
  await log.close()
  const [file = ''] = files(path)
  const whole = readFileSync(file)
  const ends: number[] = []
  for (let at = 0; at < whole.length; at = ends.at(-1) ?? 0) {
    ends.push(at + 32 + whole.readUInt32LE(at))
  }
  for (let size = whole.length; size >= 0; size -= 7) {
    truncateSync(file, size)
    const cut = new CallLog(path)
    for (const [k, value] of values.entries()) {
      const expected = (ends[k] ?? 0) <= size ? text(value) : undefined
      expect(text(await cut.get(`key ${k}`))).toBe(expected)
    }
    await cut.close()
  }
})

test('a damaged value is not there; the others are', async () => {
  const path = folder()
  const log = new CallLog(path)
  await log.put('a', bytes('first value'))
  await log.put('b', bytes('second value'))
  await log.close()
  const [file = ''] = files(path)
  const whole = readFileSync(file)
  whole[35] = 255
  writeFileSync(file, whole)
  appendFileSync(file, 'rubbish')
  const damaged = new CallLog(path)
  expect(await damaged.get('a')).toBeUndefined()
  expect(text(await damaged.get('b'))).toBe('second value')
  await damaged.close()
})

test('any values under any keys', async () => {
  const entry = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 100_000 }))
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 20 }), async (entries) => {
      const path = folder()
      const log = new CallLog(path)
      const wanted = new Map<string, Uint8Array>()
      for (const [k, [, value]] of entries.entries()) {
        wanted.set(`key-${k % 7}`, value)
        await log.put(`key-${k % 7}`, value)
      }
      await log.close()
      const read = new CallLog(path)
      for (const [key, value] of wanted)
        expect(Buffer.compare((await read.get(key)) ?? bytes('?'), value)).toBe(0)
      await read.close()
    }),
    { numRuns: 20 },
  )
})

/** Files under `path` that this process has open. */
function openIn(path: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const open = readlinkSync(`/proc/self/fd/${fd}`)
      return open.startsWith(path) ? [open] : []
    } catch {
      return [] // the one of this list itself
    }
  })
}

test.runIf(process.platform === 'linux')(
  'a log that cannot be written any more leaves no file open',
  async () => {
    const path = folder()
    const before = new CallLog(path)
    await before.put('a', Buffer.from('1'))
    await before.close()

    const log = new CallLog(path)
    expect(await log.get('a')).toEqual(Buffer.from('1'))
    expect(openIn(path)).toHaveLength(1)
    rmSync(path, { recursive: true })
    const put = log.put('b', Buffer.from('2'))
    await expect(Promise.all([log.close(), put])).rejects.toThrow('ENOENT')
    await expect.poll(() => openIn(path)).toEqual([])
  },
)
