import * as fc from 'fast-check'
import {
  Dataset,
  InvalidArgumentError,
  limit,
  type ShuffleOptions,
  type StandardSchema,
} from 'millstream'
import { groupSteps } from './group-steps.ts'
import { nestedSteps } from './nested-steps.ts'
import { storeSteps } from './store-steps.ts'
import { batchingSteps } from './batching-steps.ts'
import { directedSteps } from './directed-steps.ts'

/** One step of a random pipeline over numbers: how the engine does it and what it means for plain arrays. */
export interface Step {
  readonly name: string
  apply(ds: Dataset<number>): Dataset<number>
  /** True for steps that throw on some elements. */
  readonly fails?: boolean
  /** Undefined where chance decides, or where an error takes half a batch with it. */
  readonly model?: (xs: readonly number[]) => number[]
}

/** Each kind of step, some of each. */
export function stepKinds(each: number, seed: number): readonly (readonly Step[])[] {
  return simple.map((arbitrary) => fc.sample(arbitrary, { numRuns: each, seed }))
}

/** A pipeline over numbers. */
export interface Plan {
  readonly source: readonly number[]
  /** Which source gives them. Default `range` where it can, else `fromArray`. */
  readonly from?: SourceKind
  readonly steps: readonly Step[]
}

/** What a plan describes, for failing cases. */
export function nameOf({ source, from = 'array', steps }: Plan): string {
  return [`${source.length} numbers from ${from}`, ...steps.map((step) => step.name)].join(' -> ')
}

/** Sources of the same numbers. */
const sources = {
  array: (xs) => (xs.every((x, k) => x === k) ? Dataset.range(xs.length) : Dataset.fromArray(xs)),
  slices: (xs) => Dataset.fromTensorSlices(Float64Array.from(xs)),
  counter: (xs) =>
    Dataset.counter(1)
      .map((k) => xs[k - 1] ?? -1)
      .take(xs.length),
  generator: (xs) => Dataset.fromGenerator(() => xs),
  // Every third element has a cursor.
  cursor: (xs) =>
    Dataset.fromGenerator(
      (_, from) => xs.slice(from).map((x, k) => ({ x, behind: from + k + 1 })),
      { start: 0, cursor: ({ behind }) => (behind % 3 === 0 ? behind : undefined) },
    ).map(({ x }) => x),
  pages: (xs) =>
    Dataset.fromPages({
      start: 0,
      read: async (at) => ({
        items: xs.slice(at, at + 1 + (at % 4)),
        next: at < xs.length ? at + 1 + (at % 4) : undefined,
      }),
    }),
} satisfies Record<string, (xs: readonly number[]) => Dataset<number>>

export type SourceKind = keyof typeof sources

export function build({ source, from = 'array', steps }: Plan): Dataset<number> {
  const start = sources[from](source)
  const ds = steps.reduce((sofar, step) => step.apply(sofar), start)
  // Errors go through whatever follows them, to be left out at the end only.
  return steps.some((step) => step.fails === true) ? ds.ignoreErrors() : ds
}

/** What the plan yields, or undefined where chance decides. */
export function modelOf({ source, steps }: Plan): readonly number[] | undefined {
  let xs: readonly number[] = source
  for (const { model } of steps) {
    if (model === undefined) return undefined
    xs = model(xs)
  }
  return xs
}

const sum = (xs: Iterable<number>): number => {
  let total = 0
  for (const x of xs) total += x
  return total
}

const chunked = (xs: readonly number[], n: number): number[][] =>
  Array.from({ length: Math.ceil(xs.length / n) }, (_, k) => xs.slice(k * n, (k + 1) * n))

const small = fc.integer({ min: 1, max: 7 })

const simple: readonly fc.Arbitrary<Step>[] = [
  ...groupSteps,
  ...nestedSteps,
  ...storeSteps,
  small.map((k) => ({
    name: `map(*${k})`,
    apply: (ds) => ds.map((x) => x * k + 1),
    model: (xs) => xs.map((x) => x * k + 1),
  })),
  small.map((k) => ({
    name: `filter(%${k})`,
    apply: (ds) => ds.filter((x) => x % k !== 1),
    model: (xs) => xs.filter((x) => x % k !== 1),
  })),
  small.map((k) => ({
    name: `validate(%${k}, skip)`,
    apply: (ds) => ds.validate(notOne(k), { onError: 'skip' }),
    model: (xs) => xs.filter((x) => x % k !== 1).map((x) => x + 2),
  })),
  small.map((k) => {
    const several = (x: number): number[] =>
      Array.from({ length: ((x % k) + k) % k }, (_, j) => x + j)
    return {
      name: `flatMap(${k})`,
      apply: (ds) => ds.flatMap(several),
      model: (xs) => xs.flatMap(several),
    }
  }),
  small.map((n) => ({
    name: `batch(${n}).map(sum)`,
    apply: (ds) => ds.batch(n).map((b) => sum(b)),
    model: (xs) => chunked(xs, n).map(sum),
  })),
  small.map((n) => ({
    name: `batch(${n}) of records.unbatch`,
    apply: (ds) =>
      ds
        .map((x) => ({ id: x, twice: 2 * x }))
        .batch(n)
        .unbatch()
        .map(({ id, twice }) => twice - id),
    model: (xs) => [...xs],
  })),
  small.map((n) => ({
    name: `batch(${n}, drop).unbatch`,
    apply: (ds) => ds.batch(n, { dropRemainder: true }).unbatch(),
    model: (xs) =>
      chunked(xs, n)
        .filter((c) => c.length === n)
        .flat(),
  })),
  fc.integer({ min: -1, max: 30 }).map((n) => ({
    name: `take(${n})`,
    apply: (ds) => ds.take(n),
    model: (xs) => (n < 0 ? [...xs] : xs.slice(0, n)),
  })),
  fc.integer({ min: -1, max: 9 }).map((n) => ({
    name: `skip(${n})`,
    apply: (ds) => ds.skip(n),
    model: (xs) => (n < 0 ? [] : xs.slice(n)),
  })),
  fc.tuple(small, small).map(([a, b]) => ({
    name: `skip(${a}).skip(${b}), the same of take and shard`,
    apply: (ds) =>
      ds
        .skip(a)
        .skip(b)
        .take(30 + a)
        .take(30 + b)
        .shard(2, 1)
        .shard(a, 0),
    model: (xs) =>
      xs
        .slice(a + b)
        .slice(0, 30 + Math.min(a, b))
        .filter((_, i) => i % (2 * a) === 1),
  })),
  fc.integer({ min: 5, max: 300 }).map((n) => ({
    name: `takeWhile(<${n})`,
    apply: (ds) => ds.takeWhile((x) => x < n),
    model: (xs) => {
      const end = xs.findIndex((x) => !(x < n))
      return end < 0 ? [...xs] : xs.slice(0, end)
    },
  })),
  fc.tuple(small, small).map(([a, b]) => {
    const [n, k] = [Math.max(a, b), Math.min(a, b) - 1]
    return {
      name: `shard(${n}, ${k})`,
      apply: (ds) => ds.shard(n, k),
      model: (xs) => xs.filter((_, i) => i % n === k),
    }
  }),
  small.map((k) => ({
    name: `enumerate(${k})`,
    apply: (ds) => ds.enumerate(k).map(([i, x]) => (i * 100 + x) % 1009),
    model: (xs) => xs.map((x, i) => ((i + k) * 100 + x) % 1009),
  })),
  small.map((k) => ({
    name: `scan(${k})`,
    apply: (ds) => ds.scan(k, (s, x) => [(s + x) % 997, s]),
    model: (xs) => {
      let s = k
      return xs.map((x) => {
        const out = s
        s = (s + x) % 997
        return out
      })
    },
  })),
  small.map((n) => ({
    name: `repeat(${n})`,
    apply: (ds) => ds.repeat(n),
    model: (xs) => Array.from({ length: n }, () => xs).flat(),
  })),
  small.map((n) => ({
    name: `prefetch(${n})`,
    apply: (ds) => ds.prefetch(n),
    model: (xs) => [...xs],
  })),
  fc.constant({
    name: 'prefetch()',
    apply: (ds: Dataset<number>) => ds.prefetch(),
    model: (xs: readonly number[]) => [...xs],
  }),
  fc.constant({
    name: 'cache',
    apply: (ds: Dataset<number>) => ds.cache(),
    model: (xs: readonly number[]) => [...xs],
  }),
  small.map((n) => ({
    name: `mapAsync(${n})`,
    apply: (ds) => ds.map(async (x) => (await jittered(x)) + 1, { parallelism: n }),
    model: (xs) => xs.map((x) => x + 1),
  })),
  small.map((n) => ({
    name: `mapAsync(${n}, skip)`,
    apply: (ds) =>
      ds.map(async (x) => failOn(await jittered(x), n + 2), { parallelism: n, onError: 'skip' }),
    model: (xs) => xs.filter((x) => x % (n + 2) !== 2),
  })),
  small.map((n) => ({
    name: `calls(${n}), limited, in order of keys`,
    apply: (ds) =>
      ds.map(async (x) => failOn(await jittered(x), n + 2), {
        parallelism: n,
        limit: limit('plans'),
        orderedBy: (x) => x % 4,
        onError: 'deadLetter',
      }),
    model: (xs) => xs.filter((x) => x % (n + 2) !== 2),
  })),
  small.map((n) => ({
    name: `calls(${n}), each made twice`,
    apply: (ds) => {
      const tried = new Set<number>()
      return ds.map((x) => onceMore(x, tried), { parallelism: n, retry: { delay: 0.01 } })
    },
    model: (xs) => xs.map((x) => x + 1),
  })),
  fc.integer({ min: 0, max: 30 }).map((n) => ({
    name: `assertCardinality(${n}), ignoreErrors`,
    apply: (ds) => ds.assertCardinality(n).ignoreErrors(),
    model: (xs) => xs.slice(0, n),
  })),
  small.map((n) => ({
    name: `failing map, ignoreErrors`,
    apply: (ds) => ds.map((x) => failOn(x, n + 3)).ignoreErrors(),
    model: (xs) => xs.filter((x) => x % (n + 3) !== 2),
  })),
  small.map((n) => ({
    name: `failing map`,
    fails: true,
    apply: (ds) => ds.map((x) => failOn(x, n + 9)),
  })),
  small.map((n) => ({
    name: `failing mapAsync(${n})`,
    fails: true,
    apply: (ds) => ds.map(async (x) => failOn(await jittered(x), n + 9), { parallelism: n }),
  })),
  fc.tuple(fc.integer({ min: 1, max: 20 }), fc.boolean()).map(([n, again]) => ({
    name: `shuffle(${n}, ${again})`,
    apply: (ds) => ds.shuffle(n, { seed: n, reshuffleEachIteration: again }),
  })),
  fc.tuple(small, fc.boolean()).map(([seed, again]) => ({
    name: `map(index), shuffle('global', ${again})`,
    // A map below it still knows the place of its element in the source.
    apply: (ds) =>
      globally(
        ds.map((x, { index }) => (2 * x + index) % 1009),
        { seed, reshuffleEachIteration: again },
      ),
  })),
  fc.constant({
    name: 'map(random)',
    apply: (ds: Dataset<number>) =>
      ds.map((x, local) => Math.floor(x / 2) + Math.floor(local.random() * 50)),
  }),
  small.map((n) => ({
    name: `mapAsync(${n}, random)`,
    apply: (ds) =>
      ds.map(async (x, local) => x + Math.floor(local.random() * 50), { parallelism: n }),
  })),
  ...batchingSteps,
  ...directedSteps,
]

/** A schema that refuses some numbers and changes the others. */
function notOne(k: number): StandardSchema<unknown, number> {
  const validate = (x: unknown): { value: number } | { issues: { message: string }[] } =>
    Number(x) % k === 1 ? { issues: [{ message: 'no' }] } : { value: Number(x) + 2 }
  return { '~standard': { version: 1, vendor: 'plans', validate } }
}

/** A shuffle of all where there is random access; what lacks it must say so. */
function globally(ds: Dataset<number>, options: ShuffleOptions): Dataset<number> {
  try {
    return ds.shuffle('global', options)
  } catch (error) {
    if (error instanceof InvalidArgumentError) return ds
    throw error
  }
}

function failOn(x: number, k: number): number {
  if (x % k === 2) throw new Error(`no ${x}`)
  return x
}

/** Fails for a reason that passes, the first time. */
async function onceMore(x: number, tried: Set<number>): Promise<number> {
  await jittered(x)
  if (tried.has(x)) return x + 1
  tried.add(x)
  throw Object.assign(new Error('later'), { status: 503 })
}

/** Some calls settle at once, others some turns later, so that they finish out of order. */
async function jittered(x: number): Promise<number> {
  for (let turns = ((x * 7) % 5) - 1; turns > 0; turns--) await new Promise(setImmediate)
  return x
}

const anyStep = fc.oneof(...simple)
const source = fc.integer({ min: 0, max: 40 }).chain((n) =>
  fc.constantFrom(
    Array.from({ length: n }, (_, k) => k),
    Array.from({ length: n }, (_, k) => (k * 37) % 41),
  ),
)

const from = fc.constantFrom<SourceKind[]>(
  'array',
  'array',
  ...(Object.keys(sources) as SourceKind[]),
)

const chain: fc.Arbitrary<Plan> = fc.record({
  source,
  from,
  steps: fc.array(anyStep, { maxLength: 5 }),
})

/** Steps that bring a second pipeline in. */
const branch: fc.Arbitrary<Step> = fc.tuple(chain, fc.boolean()).map(([other, zipped]) => {
  const model = modelOf(other)
  const apply = (ds: Dataset<number>): Dataset<number> =>
    zipped
      ? Dataset.zip([ds, build(other)]).map(([a, b]) => a + 7 * b)
      : ds.concatenate(build(other))
  const together = (xs: readonly number[], ys: readonly number[]): number[] =>
    zipped ? xs.slice(0, ys.length).map((x, k) => x + 7 * (ys[k] ?? 0)) : [...xs, ...ys]
  const name = `${zipped ? 'zip' : 'concatenate'}(${nameOf(other)})`
  return model === undefined ? { name, apply } : { name, apply, model: (xs) => together(xs, model) }
})

/** Random pipelines of up to seven steps, branches among them. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  source,
  from,
  steps: fc.array(fc.oneof({ weight: 8, arbitrary: anyStep }, { weight: 1, arbitrary: branch }), {
    minLength: 2,
    maxLength: 7,
    size: 'max',
  }),
})
