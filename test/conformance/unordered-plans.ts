import * as fc from 'fast-check'
import { Dataset } from 'millstream'
import { checkResumeUnordered, type ResumeReport } from 'millstream/testing'
import { hashBelow } from '../../src/stream/random.ts'
import { build, nameOf, type Plan, plans, type Step } from './plans.ts'

let calls = 0

/** Calls that finish in another order in each run, and in the same orders whenever a test runs. */
export async function sometime(x: number): Promise<number> {
  const turns = hashBelow(20261124, calls++, 4)
  for (let k = 0; k < turns; k++) await new Promise(setImmediate)
  return x
}

const small = fc.integer({ min: 1, max: 7 })

const unordered: fc.Arbitrary<Step> = fc.tuple(small, fc.boolean()).map(([n, skips]) => ({
  name: `map(deterministic: false, parallelism: ${n}${skips ? ', skip' : ''})`,
  apply: (ds) =>
    ds.map(
      async (x) => {
        if (skips && x % 5 === 3) throw new Error(`no ${x}`)
        return (await sometime(x)) + 1
      },
      { parallelism: n, deterministic: false, onError: skips ? 'skip' : 'fail' },
    ),
}))

/** Steps whose elements are the same whatever the order of those that come in. */
const indifferent = fc.oneof(
  unordered,
  small.map((k) => ({
    name: `map(*${k})`,
    apply: (ds: Dataset<number>) => ds.map((x) => x * k),
  })),
  small.map((k) => ({
    name: `filter(%${k})`,
    apply: (ds: Dataset<number>) => ds.filter((x) => x % k !== 1),
  })),
  small.map((k) => ({
    name: `flatMap(${k})`,
    apply: (ds: Dataset<number>) => ds.flatMap((x) => Array.from({ length: x % 3 }, () => x)),
  })),
  small.map((n) => ({
    name: `batch(${n}).unbatch`,
    apply: (ds: Dataset<number>) => ds.batch(n).unbatch(),
  })),
  small.map((n) => ({
    name: `prefetch(${n})`,
    apply: (ds: Dataset<number>) => ds.prefetch(n),
  })),
  small.map((n) => ({
    name: `shuffle(${n})`,
    apply: (ds: Dataset<number>) => ds.shuffle(n),
  })),
  small.map((n) => ({
    name: `ordered map(${n})`,
    apply: (ds: Dataset<number>) => ds.map(sometime, { parallelism: n }),
  })),
  unordered.map((inner) => ({
    name: `flatMap(dataset of ${inner.name})`,
    apply: (ds: Dataset<number>) => ds.flatMap((x) => inner.apply(Dataset.range(x, x + 3))),
  })),
  fc.tuple(unordered, small, fc.boolean()).map(([inner, n, deterministic]) => ({
    name: `interleave(${inner.name}, ${n} at once, deterministic: ${deterministic})`,
    apply: (ds: Dataset<number>) =>
      ds.interleave((x) => inner.apply(Dataset.range(x, x + 3)), {
        cycleLength: 3,
        parallelism: n,
        deterministic,
      }),
  })),
  unordered.map((inner) => ({
    name: `groupByWindow(${inner.name})`,
    apply: (ds: Dataset<number>) =>
      ds.groupByWindow({ key: () => 0, windowSize: 1, reduce: (_, w) => inner.apply(w) }),
  })),
  unordered.map((inner) => ({
    name: `concatenate(${inner.name})`,
    apply: (ds: Dataset<number>) => ds.concatenate(inner.apply(Dataset.range(100, 105))),
  })),
  fc.constant({ name: 'cache', apply: (ds: Dataset<number>) => ds.cache() }),
  fc.constant({ name: 'repeat(2)', apply: (ds: Dataset<number>) => ds.repeat(2) }),
)

/** Random pipelines without order, of which the elements are the same in each run. */
export const unorderedPlans: fc.Arbitrary<Plan> = fc
  .tuple(plans, unordered, fc.array(indifferent, { maxLength: 4 }))
  .filter(([{ steps }]) => !steps.some(({ fails }) => fails === true))
  .map(([{ source, from, steps }, first, rest]) => ({
    source,
    ...(from === undefined ? {} : { from }),
    steps: [
      ...steps.slice(0, 3),
      { name: 'take(10)', apply: (ds: Dataset<number>) => ds.take(10) },
      first,
      ...rest,
    ],
  }))

/** It loses and doubles nothing, cut at every element, and again. */
export async function losesNothing(plan: Plan): Promise<ResumeReport> {
  return checkResumeUnordered(() => build(plan)).catch((error: unknown) => {
    throw new Error(nameOf(plan), { cause: error })
  })
}
