import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The example that a newcomer reads first, as a command, against plain arrays. */

const main = fileURLToPath(new URL('../../examples/02-table/main.ts', import.meta.url))
const rows = 600

interface Line {
  readonly row: number
  readonly words: string
  readonly kind: string
  readonly numbers: readonly string[]
}

interface Out {
  readonly row: number
  readonly kind: string
  readonly area: number
  readonly rooms: number
  readonly year: number
  readonly price: number
  readonly note: readonly number[]
}

const plain = (text: string): string =>
  text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().replaceAll(/\s+/g, ' ').trim()

/** The lines of the table, each sale once. */
function salesOf(csv: string): Line[] {
  const seen = new Set<string>()
  return csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line, row) => {
      const [, town = '', kind = '', area = '', size = '', year = '', price = '', note = ''] =
        line.split(',')
      const numbers = [area, size, year, price]
      return { row, words: [town, kind, ...numbers, note].map(plain).join('|'), kind, numbers }
    })
    .filter(({ words }) => !seen.has(words) && seen.add(words) !== undefined)
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / values.length) }
}

const columns = ['area', 'rooms', 'year', 'price'] as const
const near = (a: number, b: number): boolean => Math.abs(a - b) < 2e-4

describe('a table', () => {
  let folder = ''
  let stdout = ''
  let sales: Line[] = []
  let out: Out[] = []
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millstream-table-'))
    const args = ['--import', 'tsx', main, String(rows), folder]
    ;({ stdout } = await promisify(execFile)(process.execPath, args))
    sales = salesOf(await read('sales.csv'))
    out = (await read('clean.jsonl'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Out)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('comes out the same of three workers as of one thread', async () => {
    expect(await read('clean.jsonl')).toBe(await read('inline.jsonl'))
    expect(stdout).toContain(`${rows} in, ${sales.length} out`)
  })

  test('each sale is there once, from the first line that tells of it, in order', () => {
    expect(sales.length).toBeLessThan(rows)
    expect(out.map(({ row }) => row)).toEqual(sales.map(({ row }) => row))
  })

  test('numbers that were there are normalized by what is there', () => {
    for (const [c, name] of columns.entries()) {
      const given = sales.map(({ numbers }) => numbers[c] ?? '')
      const { mean, deviation } = moments(given.filter((x) => x !== '').map(Number))
      const wrong = given.filter(
        (x, i) => x !== '' && !near(out[i]?.[name] ?? NaN, (Number(x) - mean) / deviation),
      )
      expect(wrong).toEqual([])
    }
  })

  test('what was missing is filled: kinds by the most frequent, numbers by those of similar sales', () => {
    const counts = new Map<string, number>()
    for (const { kind } of sales) if (kind !== '') counts.set(kind, (counts.get(kind) ?? 0) + 1)
    const [frequent] = [...counts].toSorted(([, a], [, b]) => b - a)[0] ?? []
    expect(out.map(({ kind }) => kind)).toEqual(sales.map(({ kind }) => kind || frequent))

    const stats = columns.map((_, c) =>
      moments(
        sales
          .map(({ numbers }) => numbers[c] ?? '')
          .filter((x) => x !== '')
          .map(Number),
      ),
    )
    const scored = sales.map(({ numbers }) =>
      numbers.map((x, c) =>
        x === '' ? NaN : (Number(x) - (stats[c]?.mean ?? 0)) / (stats[c]?.deviation ?? 1),
      ),
    )
    const complete = scored.filter((scores) => scores.every((x) => !Number.isNaN(x))).slice(0, 300)
    const far = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, x, c) => (Number.isNaN(x) ? sum : sum + (x - (b[c] ?? 0)) ** 2), 0)
    for (const [i, scores] of scored.entries()) {
      if (!scores.some(Number.isNaN)) continue
      const similar = complete.toSorted((a, b) => far(scores, a) - far(scores, b)).slice(0, 7)
      for (const [c, name] of columns.entries()) {
        if (!Number.isNaN(scores[c])) continue
        const median = similar.map((other) => other[c] ?? NaN).toSorted((a, b) => a - b)[3] ?? NaN
        expect(near(out[i]?.[name] ?? NaN, median), `${name} of sale ${i}`).toBe(true)
      }
    }
    expect(out.every(({ note }) => Math.abs(Math.hypot(...note) - 1) < 1e-3)).toBe(true)
  })

  test('the page shows rows and workers, and needs nothing from outside', async () => {
    const html = await read('report.html')
    expect(html.match(/<svg /g)).toHaveLength(3)
    expect(html).toMatch(/<title>row [\d,]+, dedupe: [\d.]+ ms<\/title>/)
    expect(html).toMatch(/<title>row [\d,]+, normalize: [\d.]+ ms<\/title>/)
    expect(html).toMatch(/<title>fill: [\d,]+ ms, \d+ % busy<\/title>/)
    expect(html).not.toMatch(/<script|url\(|@import|(src|href)="(?!data:)/)
  })
})
