import * as fc from 'fast-check'
import { Dataset } from 'millstream'
import type { Step } from './plans.ts'

/** Steps with datasets inside datasets, and tf.data's meaning of them for arrays, written apart from the engine. */

const small = fc.integer({ min: 1, max: 5 })

/** Up to `k - 1` numbers made of one. */
const severalOf =
  (k: number) =>
  (x: number): number[] =>
    Array.from({ length: ((x % k) + k) % k }, (_, j) => x + j)

const sum = (xs: Iterable<number>): number => {
  let total = 0
  for (const x of xs) total = (total * 7 + x) % 1009
  return total
}

const moduloOf =
  (k: number) =>
  (x: number): number =>
    ((x % k) + k) % k

/** A cycle of open inputs; an exhausted one gives its turn away. */
function interleaved(inputs: readonly number[][], cycle: number, block: number): number[] {
  const waiting = [...inputs]
  const slots: (number[] | undefined)[] = Array.from({ length: cycle })
  const out: number[] = []
  for (let at = 0; waiting.length > 0 || slots.some((slot) => slot !== undefined); at++) {
    const slot = (slots[at % cycle] ??= waiting.shift()?.slice())
    if (slot === undefined) continue
    for (let k = 0; k < block; k++) {
      const x = slot.shift()
      if (x === undefined) {
        slots[at % cycle] = undefined
        break
      }
      out.push(x)
    }
  }
  return out
}

function windows(
  xs: readonly number[],
  [size, shift, stride]: readonly [number, number, number],
  drop: boolean,
): number[][] {
  const found: number[][] = []
  for (let at = 0; at < xs.length; at += shift) {
    const places = Array.from({ length: size }, (_, k) => at + k * stride)
    const inside = places.filter((place) => place < xs.length)
    if (!drop || inside.length === size) found.push(inside.map((place) => xs[place] ?? Number.NaN))
  }
  return found
}

/** Full windows as they fill, then the rest by key. */
function grouped(
  xs: readonly number[],
  keyOf: (x: number) => number,
  sizeOf: (key: number) => number,
): number[][] {
  const open = new Map<number, number[]>()
  const found: number[][] = []
  for (const x of xs) {
    const key = keyOf(x)
    const group = [...(open.get(key) ?? []), x]
    open.set(key, group)
    if (group.length < sizeOf(key)) continue
    found.push(group)
    open.delete(key)
  }
  const rest = [...open].sort(([a], [b]) => a - b)
  return [...found, ...rest.map(([, group]) => group)]
}

export const nestedSteps: readonly fc.Arbitrary<Step>[] = [
  small.map((k) => ({
    name: `flatMap(dataset of ${k})`,
    apply: (ds) => ds.flatMap((x) => Dataset.fromArray(severalOf(k)(x)).map((y) => y + 1)),
    model: (xs) => xs.flatMap(severalOf(k)).map((y) => y + 1),
  })),
  small.map((k) => ({
    name: `flatMap(shuffled ${k})`,
    apply: (ds) => ds.flatMap((x) => Dataset.fromArray(severalOf(k)(x)).shuffle(3)),
  })),
  fc
    .tuple(small, fc.integer({ min: 1, max: 4 }), small, small)
    .map(([k, cycleLength, blockLength, parallelism]) => {
      // Some are empty, most are long enough to be cut within a turn.
      const inputOf = (x: number): number[] =>
        x % 7 === 3 ? [] : [x, ...severalOf(k + 2)(x), -1 - x]
      return {
        name: `interleave(${k}, ${cycleLength}, ${blockLength}, ${parallelism})`,
        apply: (ds) =>
          ds.interleave((x) => (x % 3 === 0 ? inputOf(x) : Dataset.fromArray(inputOf(x))), {
            cycleLength,
            blockLength,
            parallelism,
          }),
        model: (xs) => interleaved(xs.map(inputOf), cycleLength, blockLength),
      }
    }),
  fc.tuple(small, small, small, fc.boolean()).map(([size, shift, stride, dropRemainder]) => ({
    name: `window(${size}, ${shift}, ${stride}, ${dropRemainder})`,
    apply: (ds) =>
      ds
        .window(size, { shift, stride, dropRemainder })
        .flatMap((w) => w.batch(9).map((b) => sum(b))),
    model: (xs) => windows(xs, [size, shift, stride], dropRemainder).map(sum),
  })),
  fc.tuple(small, small).map(([keys, size]) => ({
    name: `groupByWindow(${keys}, ${size})`,
    apply: (ds) =>
      ds.groupByWindow({
        key: moduloOf(keys),
        reduce: (key, w) => w.batch(3).map((b) => sum(b) + key),
        windowSize: (key) => size + key,
      }),
    model: (xs) =>
      grouped(xs, moduloOf(keys), (key) => size + key).flatMap((group) => {
        const key = moduloOf(keys)(group[0] ?? 0)
        const parts = Array.from({ length: Math.ceil(group.length / 3) }, (_, k) =>
          group.slice(3 * k, 3 * k + 3),
        )
        return parts.map((part) => sum(part) + key)
      }),
  })),
  fc.tuple(small, small, small).map(([size, shift, k]) => ({
    name: `failing map, window(${size}, ${shift}), ignoreErrors`,
    // A failed element keeps its place: windows that hold it fail, those that pass over it do not.
    apply: (ds) =>
      ds
        .map((x) => refuse(x, k + 4))
        .window(size, { shift })
        .ignoreErrors()
        .flatMap((w) => w.batch(9).map((b) => sum(b))),
    model: (xs) =>
      windows(xs, [size, shift, 1], false)
        .filter((window) => !window.some((x) => x % (k + 4) === 2))
        .map(sum),
  })),
  fc.tuple(small, small, small).map(([boundary, a, b]) => ({
    name: `bucketBySequenceLength(${boundary}, ${a}, ${b})`,
    apply: (ds) =>
      ds
        .map((x) => new Float64Array(lengthOf(x)).fill(x))
        .bucketBySequenceLength({
          length: (row) => row.length,
          boundaries: [boundary],
          batchSizes: [a, b],
        })
        .map(({ data }) => sum(data)),
    model: (xs) => {
      const bucketOf = (x: number): number => (lengthOf(x) < boundary ? 0 : 1)
      return grouped(xs, bucketOf, (bucket) => (bucket === 0 ? a : b)).map((group) => {
        const longest = Math.max(...group.map(lengthOf))
        return sum(
          group.flatMap((x) => [
            ...new Array<number>(lengthOf(x)).fill(x),
            ...new Array<number>(longest - lengthOf(x)).fill(0),
          ]),
        )
      })
    },
  })),
  fc.tuple(small, small).map(([k, blockLength]) => ({
    name: `interleave in any order of one at a time (${k}, ${blockLength})`,
    apply: (ds) =>
      ds.interleave(
        (x) => (x % 2 === 0 ? severalOf(k)(x) : Dataset.fromArray(severalOf(k)(x)).prefetch(2)),
        { cycleLength: 1, blockLength, deterministic: false },
      ),
    model: (xs) => xs.flatMap(severalOf(k)),
  })),
]

const lengthOf = (x: number): number => ((x % 6) + 6) % 6

function refuse(x: number, k: number): number {
  if (x % k === 2) throw new Error(`no ${x}`)
  return x
}
