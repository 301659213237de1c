import * as fc from 'fast-check'
import type { Column, Dataset } from 'millstream'
import type { Step } from './plans.ts'

/** Steps of random pipelines that make batches, each a model of its own over plain arrays. */

const small = fc.integer({ min: 1, max: 7 })

/** Up to three numbers that follow from one. */
const rowOf = (x: number): number[] =>
  Array.from({ length: ((x % 4) + 4) % 4 }, (_, j) => (x + 7 * j) % 1009)

const vectors = (ds: Dataset<number>): Dataset<Float64Array> =>
  ds.map((x) => Float64Array.from(rowOf(x)))

const chunked = <T>(xs: readonly T[], n: number): T[][] =>
  Array.from({ length: Math.ceil(xs.length / n) }, (_, k) => xs.slice(k * n, (k + 1) * n))

const full = <T>(rows: readonly (readonly T[])[], n: number): (readonly T[])[] =>
  rows.filter((row) => row.length === n)

/** A number that tells rows apart, and their order and lengths. */
const digest = (rows: Iterable<Iterable<number>>): number => {
  let total = 1
  for (const row of rows) {
    for (const x of row) total = (total * 31 + x + 1) % 100_003
    total = (total * 37 + 5) % 100_003
  }
  return total
}

const padded = (rows: readonly (readonly number[])[], pad: number): number[][] => {
  const longest = Math.max(0, ...rows.map((row) => row.length))
  return rows.map((row) => [...row, ...new Array<number>(longest - row.length).fill(pad)])
}

/** Batches of sizes used in turn. */
const inTurn = (
  xs: readonly number[],
  sizes: readonly number[],
  dropRemainder: boolean,
): number[][] => {
  const found: number[][] = []
  for (let at = 0; at < xs.length;) {
    const size = sizes[found.length % sizes.length] ?? 1
    const batch = xs.slice(at, at + size)
    if (batch.length === size || !dropRemainder) found.push(batch)
    at += size
  }
  return found
}

/** Batches of at most `max`, and of a cost of at most `maxCost` together. */
const within = (
  xs: readonly number[],
  max: number,
  maxCost: number,
  cost: (x: number) => number,
): number[][] => {
  const found: number[][] = []
  for (const x of xs) {
    const last = found.at(-1)
    const costs = last?.reduce((total, y) => total + cost(y), cost(x)) ?? 0
    if (last !== undefined && last.length < max && costs <= maxCost) last.push(x)
    else found.push([x])
  }
  return found
}

export const batchingSteps: readonly fc.Arbitrary<Step>[] = [
  fc.tuple(small, fc.boolean()).map(([n, dropRemainder]) => ({
    name: `paddedBatch(${n}, ${dropRemainder}).unbatch`,
    apply: (ds) =>
      vectors(ds)
        .paddedBatch(n, { paddingValues: -3, dropRemainder })
        .unbatch()
        .flatMap((row) => [...row]),
    model: (xs) => {
      const batches = chunked(xs.map(rowOf), n)
      return (dropRemainder ? full(batches, n) : batches).flatMap((rows) => padded(rows, -3).flat())
    },
  })),
  small.map((n) => ({
    name: `raggedBatch(${n}).map(digest)`,
    apply: (ds) =>
      vectors(ds)
        .raggedBatch(n)
        .map((rows: Column<Float64Array>) => digest(rows)),
    model: (xs) => chunked(xs.map(rowOf), n).map(digest),
  })),
  fc
    .tuple(small, fc.array(small, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([n, sizes, dropRemainder]) => ({
      name: `batch(${n}).rebatch([${sizes.join()}], ${dropRemainder})`,
      apply: (ds) =>
        ds
          .batch(n)
          .rebatch(sizes, { dropRemainder })
          .map((batch) => digest([batch])),
      model: (xs) => inTurn(xs, sizes, dropRemainder).map((batch) => digest([batch])),
    })),
  small.map((n) => ({
    name: `vectors.rebatch(${n})`,
    apply: (ds) =>
      vectors(ds)
        .rebatch(n)
        .map((batch) => digest([batch])),
    model: (xs) => chunked(xs.flatMap(rowOf), n).map((batch) => digest([batch])),
  })),
  fc.tuple(small, small).map(([max, maxCost]) => {
    const cost = (x: number): number => ((x % 5) + 5) % 5
    return {
      name: `batch({ max: ${max}, maxCost: ${maxCost} })`,
      apply: (ds) => ds.batch({ max, maxCost, cost }).map((batch) => digest([batch])),
      model: (xs) => within(xs, max, maxCost, cost).map((batch) => digest([batch])),
    }
  }),
]
