import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dataset, to } from 'millstream'
import { afterAll, expect, test } from 'vitest'
import { RecentCalls } from '../../src/run/recent-calls.ts'

const root = mkdtempSync(join(tmpdir(), 'recent-calls-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const folder = (): string => join(root, String(folders++))
const bytes = (text: string): Buffer => Buffer.from(text)

test('the last results are there, those long before are dropped, in this process and the next', async () => {
  const path = folder()
  const most = { results: 10, bytes: 1e6 }
  const calls = new RecentCalls(path, most)
  for (let k = 0; k < 35; k++) await calls.put(`k${k}`, bytes(`value ${k}`))
  expect(readdirSync(path).toSorted()).toEqual(['2', '3'])
  await calls.close()
  const next = new RecentCalls(path, most)
  for (const [k, there] of [
    [19, false],
    [20, true],
    [34, true],
  ] as const) {
    expect(await next.get(`k${k}`)).toEqual(there ? bytes(`value ${k}`) : undefined)
  }
  for (let k = 35; k < 40; k++) await next.put(`k${k}`, bytes('x'))
  expect(await next.get('k20')).toBeUndefined()
  expect(await next.get('k30')).toEqual(bytes('value 30'))
  await next.close()
})

test('bytes count, too', async () => {
  const path = folder()
  const calls = new RecentCalls(path, { results: 1e6, bytes: 1000 })
  await Promise.all(Array.from({ length: 40 }, (_, k) => calls.put(`k${k}`, Buffer.alloc(100))))
  for (let k = 40; k < 60; k++) await calls.put(`k${k}`, Buffer.alloc(100))
  await calls.close()
  expect(readdirSync(path).length).toBeLessThanOrEqual(2)
})

/** Calls for numbers; `mistake` fails behind them, at 50. */
function paid(path: string, mistake: { now: Error | undefined }) {
  const calls: number[] = []
  const pipeline = Dataset.range(100)
    .map(
      async (x) => {
        calls.push(x)
        return { x, why: mistake.now === undefined ? 'right' : 'wrong' }
      },
      { retry: 1, parallelism: 8 },
    )
    .map((row) => {
      if (row.x === 50 && mistake.now !== undefined) throw mistake.now
      return row
    })
    .write(to.jsonl(join(path, 'out.jsonl')), { state: join(path, 'state') })
  return { calls, pipeline, path }
}

const rows = (path: string): { x: number; why: string }[] =>
  readFileSync(join(path, 'out.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { x: number; why: string })

test('what fails behind a call for a reason that passes does not cost the call', async () => {
  const mistake: { now: Error | undefined } = { now: Object.assign(new Error(), { status: 503 }) }
  const { calls, pipeline, path } = paid(folder(), mistake)
  await expect(pipeline.run()).rejects.toThrow('failed on element 50')
  mistake.now = undefined
  expect(await pipeline.run()).toMatchObject({ resumedAt: 50, delivered: 100 })
  expect(calls.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, k) => k))
  expect(rows(path).map(({ x }) => x)).toEqual(Array.from({ length: 100 }, (_, k) => k))
  expect(existsSync(join(path, 'state', 'calls'))).toBe(false)
})

test('when somebody must mend something, results that were not written are called for again', async () => {
  const mistake: { now: Error | undefined } = { now: new TypeError('why is not right') }
  const { pipeline, path } = paid(folder(), mistake)
  await expect(pipeline.run()).rejects.toThrow('failed on element 50')
  mistake.now = undefined
  expect(await pipeline.run()).toMatchObject({ resumedAt: 50, delivered: 100 })
  expect(rows(path).filter(({ why }) => why === 'wrong')).toHaveLength(50)
  expect(rows(path)[50]).toEqual({ x: 50, why: 'right' })
})

test('elements and results that are no plain data are called for again, and nothing else changes', async () => {
  class Doc {
    readonly x: number
    constructor(x: number) {
      this.x = x
    }
  }
  const path = folder()
  const pipeline = Dataset.range(20)
    .map((x) => new Doc(x))
    .map(async ({ x }) => ({ x, at: new URL(`http://host/${x}`) }), { retry: 1 })
    .map(({ x, at }) => ({ x, at: at.href }))
    .write(to.jsonl(join(path, 'out.jsonl')), { state: join(path, 'state') })
  expect(await pipeline.run()).toMatchObject({ delivered: 20, cached: 0 })
})
