/** The first pass: what is usual in the table. */
import type { Dataset } from 'millstream'
import { measures, type Numbers, type Sale, type Survey } from './stages.ts'

/** Complete sales that others are compared with. */
const compared = 300

interface Sums {
  readonly count: number
  readonly sum: number
  readonly squares: number
}

interface Seen {
  readonly sums: Readonly<Record<keyof Numbers, Sums>>
  readonly kinds: ReadonlyMap<string, number>
  readonly complete: readonly Numbers[]
}

const none: Sums = { count: 0, sum: 0, squares: 0 }

export async function surveyOf(sales: Dataset<Sale>): Promise<Survey> {
  const start: Seen = {
    sums: { area: none, rooms: none, year: none, price: none },
    kinds: new Map(),
    complete: [],
  }
  const { sums, kinds, complete } = await sales.reduce(start, seen)
  const [[kind] = ['']] = [...kinds].toSorted(([, a], [, b]) => b - a)
  return { kind, complete, mean: each(sums, meanOf), deviation: each(sums, deviationOf) }
}

function seen({ sums, kinds, complete }: Seen, sale: Sale): Seen {
  const { kind, area, rooms, year, price } = sale
  const whole = measures.every((name) => !Number.isNaN(sale[name]))
  return {
    sums: {
      area: plus(sums.area, area),
      rooms: plus(sums.rooms, rooms),
      year: plus(sums.year, year),
      price: plus(sums.price, price),
    },
    kinds: kind === '' ? kinds : new Map(kinds).set(kind, (kinds.get(kind) ?? 0) + 1),
    complete:
      whole && complete.length < compared ? [...complete, { area, rooms, year, price }] : complete,
  }
}

function plus({ count, sum, squares }: Sums, x: number): Sums {
  return Number.isNaN(x)
    ? { count, sum, squares }
    : { count: count + 1, sum: sum + x, squares: squares + x * x }
}

function each(sums: Seen['sums'], of: (sums: Sums) => number): Numbers {
  return { area: of(sums.area), rooms: of(sums.rooms), year: of(sums.year), price: of(sums.price) }
}

function meanOf({ count, sum }: Sums): number {
  return count === 0 ? 0 : sum / count
}

/** 1 where all are equal: nothing is divided by 0. */
function deviationOf(sums: Sums): number {
  const { count, squares } = sums
  return count === 0 ? 1 : Math.sqrt(Math.max(0, squares / count - meanOf(sums) ** 2)) || 1
}
