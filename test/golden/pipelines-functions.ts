/** The fixed vocabulary of user functions of the golden pipelines, as the README of the cases defines it. */
import { Dataset } from '../../src/index.ts'
import {
  batchLength,
  collate,
  Column,
  isRecord,
  isTuple,
  sliceAt,
  Tensor,
} from '../../src/tensor/index.ts'
import {
  each,
  eachAny,
  floorMod,
  kindOf,
  length,
  pairwise,
  part,
  Refused,
  scalar,
  scalarsOf,
  text,
} from './numbers.ts'

import { Unsupported } from './outcome.ts'

/** What `failOn5` and `failOnOdd` throw. */
export class UserFailure extends Error {}

type Unary = (x: unknown) => unknown
type Binary = (s: unknown, x: unknown) => unknown

const add: Binary = (a, b) => pairwise((x, y) => x + y, a, b)
const square: Unary = (x) => each((n) => n * n, x)
const plus =
  (k: number): Unary =>
  (x) =>
    each((n) => n + k, x)
const mod =
  (k: number): Unary =>
  (x) =>
    each((n) => floorMod(n, k), x)

const rangeOf = (x: unknown): Float64Array => Float64Array.from({ length: length(x) }, (_, i) => i)
const lengthOf = (x: unknown): number => scalarsOf(x).length
const sumOf = (x: unknown): number => scalarsOf(x).reduce<number>((sum, n) => sum + scalar(n), 0)
const isEven = (x: unknown): boolean => floorMod(scalar(x), 2) === 0
const charactersOf = (x: unknown): unknown => Column.copy([...text(x)])

function failIf(fails: (n: number) => boolean): Unary {
  return (x) => {
    if (scalarsOf(x).some((n) => fails(scalar(n)))) throw new UserFailure('user function failed')
    return x
  }
}

function field(r: unknown, name: string): unknown {
  if (isRecord(r) && name in r) return r[name]
  throw new Refused(`${kindOf(r)} has no field ${name}`)
}

function filled(x: unknown, width: number): Float64Array {
  return new Float64Array(length(x) * width).fill(scalar(x))
}

/** Element to element. */
const maps: Readonly<Record<string, Unary>> = {
  identity: (x) => x,
  double: (x) => each((n) => n * 2, x),
  addOne: plus(1),
  negate: (x) => each((n) => -n, x),
  square,
  mod3: mod(3),
  half: (x) => each((n) => n / 2, x),
  toFloat: plus(0),
  isEvenFlag: (x) => eachAny((n) => isEven(n), x),
  toText: (x) => eachAny(asText, x),
  vec2: (x) => collate([x, plus(1)(x)]),
  rangeOf,
  fillOf: (x) => filled(x, 1),
  grid: (x) => new Tensor(filled(x, 2), [length(x), 2]),
  lenOf: lengthOf,
  sumOf,
  pairWithSquare: (x) => [x, square(x)],
  pairWithRange: (x) => [x, rangeOf(x)],
  toRecord: (x) => ({ id: x, sq: square(x) }),
  rangeRecord: (x) => ({ id: x, xs: rangeOf(x) }),
  nest: (x) => ({ a: x, b: [plus(1)(x), { c: plus(2)(x) }] }),
  recordId: (r) => field(r, 'id'),
  swap: (p) => [part(p, 1), part(p, 0)],
  first: (p) => part(p, 0),
  second: (p) => part(p, 1),
  addPair: (p) => add(part(p, 0), part(p, 1)),
  upper: (s) => eachAny((t) => text(t).toUpperCase(), s),
  strLen: (s) => lengths(eachAny((t) => [...text(t)].length, s)),
  splitChars: (s) => eachAny(charactersOf, s),
  failOn5: failIf((n) => n === 5),
  failOnOdd: failIf((n) => floorMod(n, 2) === 1),
}

function asText(x: unknown): string {
  if (typeof x === 'number' || typeof x === 'boolean' || typeof x === 'bigint') return String(x)
  throw new Refused(`toText takes numbers, not ${kindOf(x)}`)
}

/** Numbers of a column are a vector again. */
const lengths: Unary = (x) => (x instanceof Column ? Float64Array.from(x, Number) : x)

/** Element to boolean. */
const predicates: Readonly<Record<string, (x: unknown) => boolean>> = {
  isEven,
  isOdd: (x) => floorMod(scalar(x), 2) === 1,
  lessThan5: (x) => scalar(x) < 5,
  moreThan2: (x) => scalar(x) > 2,
  always: () => true,
  never: () => false,
  longerThan2: (x) => lengthOf(x) > 2,
  firstIsEven: (p) => isEven(part(p, 0)),
  idIsEven: (r) => isEven(field(r, 'id')),
}

/** Element to dataset. */
const expansions: Readonly<Record<string, (x: unknown) => Dataset<unknown>>> = {
  rangeDataset: (x) => Dataset.range(scalar(x)),
  countFrom: (x) => Dataset.range(10 * scalar(x), 11 * scalar(x)),
  thrice: (x) => Dataset.fromTensors(x).repeat(3),
  emptyDataset: () => Dataset.range(0),
  elementsOf: (x) => Dataset.fromTensorSlices(x),
  evenOnly: (x) => Dataset.fromTensors(x).filter(isEven),
  forever: (x) => Dataset.fromTensors(x).repeat(),
  window: windowOf,
  windowBatch2: (w) => windowOf(w).batch(2),
  windowBatchAll: (w) => windowOf(w).batch(MANY),
  windowSum: (w) => windowOf(w).batch(MANY).map(sumOfRows),
  windowPairs: (w) => Dataset.zip(tupleOf(w).map(windowOf)),
  windowPadAll: (w) => padded(windowOf(w)),
}

/** More elements than any window has. */
const MANY = 1_000_000

function windowOf(w: unknown): Dataset<unknown> {
  if (w instanceof Dataset) return w as Dataset<unknown>
  throw new Refused(`a window is needed, not ${kindOf(w)}`)
}

function tupleOf(windows: unknown): readonly unknown[] {
  if (isTuple(windows)) return windows
  throw new Refused(`a tuple of windows is needed, not ${kindOf(windows)}`)
}

const sumOfRows = (rows: unknown): unknown =>
  Array.from({ length: batchLength(rows) }, (_, i) => sliceAt(rows, i)).reduce(add, 0)

/** One batch, short elements filled up with zeros or empty texts. */
function padded(window: Dataset<unknown>): Dataset<unknown> {
  const method: unknown = Reflect.get(window, 'paddedBatch')
  if (typeof method !== 'function') throw new Unsupported('operator paddedBatch')
  return Reflect.apply(method, window, [MANY]) as Dataset<unknown>
}

/** Element to a key of `groupByWindow`. */
const keys: Readonly<Record<string, Unary>> = {
  modKey3: (x) => floorMod(scalar(x), 3),
  parity: (x) => floorMod(scalar(x), 2),
  oneKey: () => 0,
  sizeKey: (x) => lengthOf(x) % 2,
  tensKey: (x) => Math.floor(scalar(x) / 10),
}

/** A key to the size of its windows. */
const sizes: Readonly<Record<string, Unary>> = {
  keyPlus1: (k) => scalar(k) + 1,
  keyPlus2: (k) => scalar(k) + 2,
}

/** Key and window to dataset. */
const groups: Readonly<Record<string, (key: unknown, w: unknown) => Dataset<unknown>>> = {
  batchAll: (_, w) => windowOf(w).batch(MANY),
  batch2: (_, w) => windowOf(w).batch(2),
  paddedAll: (_, w) => padded(windowOf(w)),
  keyAndSum: (key, w) =>
    windowOf(w)
      .batch(MANY)
      .map((rows) => [key, sumOfRows(rows)]),
  asIs: (_, w) => windowOf(w),
  firstOnly: (_, w) => windowOf(w).take(1),
}

/** State and element to state, for `reduce`. */
const folds: Readonly<Record<string, Binary>> = {
  sum: add,
  count: (s) => scalar(s) + 1,
  max: (s, x) => pairwise(Math.max, s, x),
  join: (s, x) => text(s) + text(x),
  sumAndCount: (s, x) => [add(part(s, 0), x), scalar(part(s, 1)) + 1],
  sumPairs: (s, p) =>
    add(
      s,
      pairwise((a, b) => a * b, part(p, 0), part(p, 1)),
    ),
  polyHash: (s, x) => pairwise((a, b) => floorMod(a * 31 + b, 1_000_003), s, x),
}

/** State and element to the next state and an output, for `scan`. */
const scans: Readonly<Record<string, Binary>> = {
  runningSum: (s, x) => [add(s, x), add(s, x)],
  delta: (s, x) => [x, pairwise((a, b) => a - b, x, s)],
  fibonacci: (s) => [[part(s, 1), add(part(s, 0), part(s, 1))], part(s, 0)],
  withIndex: (s, x) => [scalar(s) + 1, [s, x]],
  previous: (s, x) => [x, s],
}

/** The functions by what they are given and what they give. */
export const functions = {
  maps,
  booleans: { ...predicates, isEvenFlag: isEven },
  expansions,
  sizes,
  groups,
  folds,
  scans,
}

/** Functions of one element. */
export const unary: Readonly<Record<string, Unary>> = { ...maps, ...predicates, ...keys }
