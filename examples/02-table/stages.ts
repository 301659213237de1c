/** The work on one row. Each is a function of its row alone, so it may run anywhere. */
import { createHash } from 'node:crypto'
import { stage } from 'millstream/stage'

/** A sale as it was written down: '' and NaN are missing. */
export interface Sale {
  /** Of the table, from 0. */
  readonly row: number
  readonly town: string
  readonly kind: string
  readonly area: number
  readonly rooms: number
  readonly year: number
  readonly price: number
  readonly note: string
  /** Equal for lines that tell of the same sale. */
  readonly key: string
}

/** The columns in which numbers may be missing. */
export const measures = ['area', 'rooms', 'year'] as const
export type Measure = (typeof measures)[number]

/** A value for each column of numbers. */
export type Numbers = Readonly<Record<Measure | 'price', number>>

/** What a first pass found out. */
export interface Survey {
  /** The most frequent kind. */
  readonly kind: string
  /** Complete sales, to compare others with. */
  readonly complete: readonly Numbers[]
  readonly mean: Numbers
  readonly deviation: Numbers
}

/** Reads a line, and says by a key which lines are the same but for spelling; `unique` then keeps the first of them. */
export const dedupe = stage(import.meta, (line: string, { index }): Sale => {
  const [, town = '', kind = '', area, rooms, year, price, note = ''] = line.split(',')
  const spelled = [town, kind, area, rooms, year, price, note].join(' | ')
  const plain = spelled.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
  const words = plain.split(/\s+/).filter((word) => word !== '')
  const key = createHash('sha256').update(words.join(' ')).digest('base64')
  const numbers = { area: num(area), rooms: num(rooms), year: num(year), price: num(price) }
  return { row: index, town, kind, ...numbers, note: note.trim(), key }
})

function num(text = ''): number {
  return text === '' ? NaN : Number(text)
}

/** Numbers become the median of the seven most similar complete sales, kinds the most frequent one. */
export const fill = stage(import.meta, (sale: Sale, _local, survey: Survey): Sale => {
  const kind = sale.kind === '' ? survey.kind : sale.kind
  const missing = measures.filter((name) => Number.isNaN(sale[name]))
  if (missing.length === 0) return { ...sale, kind }
  const known = [...measures.filter((name) => !missing.includes(name)), 'price' as const]
  const similar = survey.complete
    .map((other) => ({ other, far: distance(sale, other, known, survey.deviation) }))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, 7)
  const median = (name: Measure): number =>
    similar.map(({ other }) => other[name]).toSorted((a, b) => a - b)[similar.length >> 1] ?? 0
  const filled = Object.fromEntries(missing.map((name) => [name, median(name)]))
  return { ...sale, kind, ...filled }
})

function distance(
  a: Numbers,
  b: Numbers,
  names: readonly (keyof Numbers)[],
  unit: Numbers,
): number {
  return names.reduce((sum, name) => sum + ((a[name] - b[name]) / unit[name]) ** 2, 0)
}

/** A sale for a model: numbers with mean 0 and deviation 1, the note as a vector of length 1. */
export interface Features {
  readonly row: number
  readonly town: string
  readonly kind: string
  readonly area: number
  readonly rooms: number
  readonly year: number
  readonly price: number
  /** How often pieces of words come in the note. */
  readonly note: readonly number[]
}

export const normalize = stage(import.meta, (sale: Sale, _local, survey: Survey): Features => {
  const { row, town, kind, note } = sale
  const score = (name: keyof Numbers): number =>
    rounded((sale[name] - survey.mean[name]) / survey.deviation[name])
  return {
    row,
    town: town.charAt(0).toUpperCase() + town.slice(1).toLowerCase(),
    kind,
    area: score('area'),
    rooms: score('rooms'),
    year: score('year'),
    price: score('price'),
    note: vectorOf(note.toLowerCase()),
  }
})

/** Counts pieces of two to five letters by their hash. */
function vectorOf(text: string): number[] {
  const counts = Array.from({ length: 16 }, () => 0)
  for (let i = 0; i < text.length; i++) {
    let hash = 0
    for (let k = i; k < Math.min(text.length, i + 5); k++) {
      hash = Math.imul(hash, 31) + text.charCodeAt(k)
      if (k === i) continue
      const slot = (Math.imul(hash, 0x9e3779b1) >>> 28) & 15
      counts[slot] = (counts[slot] ?? 0) + 1
    }
  }
  const length = Math.hypot(...counts)
  return counts.map((n) => rounded(length === 0 ? 0 : n / length))
}

function rounded(x: number): number {
  return Math.round(1e4 * x) / 1e4
}
