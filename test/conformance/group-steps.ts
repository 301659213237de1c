import * as fc from 'fast-check'
import type { PlanNode } from 'millstream'
import type { Step } from './plans.ts'

/** Steps that tell elements by keys: their meaning for arrays, written apart from the engine. */

const small = fc.integer({ min: 1, max: 7 })

const keyed =
  (n: number) =>
  (x: number): number =>
    x % (5 * n)

const hasFolder = ({ params, inputs }: PlanNode): boolean =>
  (params as { readonly folder?: unknown }).folder !== undefined || inputs.some(hasFolder)

export const groupSteps: readonly fc.Arbitrary<Step>[] = [
  small.map((n) => ({
    name: `unique(${n})`,
    // One in seven goes to disk.
    apply: (ds) => (n === 2 ? ds.unique() : ds.unique(keyed(n), n === 1 ? { memory: 100 } : {})),
    model: (xs) => {
      const key = n === 2 ? (x: number): number => x : keyed(n)
      return xs.filter((x, i) => xs.findIndex((y) => key(x) === key(y)) === i)
    },
  })),
  fc.tuple(small, fc.boolean()).map(([n, finalize]) => ({
    name: `groupBy(${n}, ${finalize})`,
    apply: (ds) => {
      const reducer = {
        init: (k: number) => k,
        reduce: (s: number, x: number) => (3 * s + x) % 997,
      }
      return finalize
        ? ds.groupBy(keyed(n), { ...reducer, finalize: (s, k) => s + 1000 * k })
        : ds.groupBy(keyed(n), reducer).map(([k, s]) => s + 1000 * k)
    },
    model: (xs) => {
      const keys = [...new Set(xs.map(keyed(n)))]
      return keys.map((k) => {
        const group = xs.filter((x) => keyed(n)(x) === k)
        return group.reduce((s, x) => (3 * s + x) % 997, k) + 1000 * k
      })
    },
  })),
  // Which part an element is in is chance, but the parts together are all of it.
  fc.tuple(small, fc.boolean()).map(([n, byKey]) => ({
    name: `both parts of split(${n}, ${byKey})`,
    apply: (ds) => {
      const parts = ds.split({ ...(byKey && { key: keyed(n) }), test: n / 10, seed: n })
      // A folder keeps one branch's chance, and refuses the other's.
      const all = hasFolder(ds.plan) ? ds : parts.test.concatenate(parts.train)
      const reducer = { init: () => 1, reduce: (s: number, x: number) => (s + x * x) % 997 }
      return all.groupBy(() => 0, { ...reducer, finalize: (s) => s })
    },
    model: (xs) => (xs.length === 0 ? [] : [xs.reduce((s, x) => (s + x * x) % 997, 1)]),
  })),
  small.map((n) => ({
    name: `split(${n}) by position`,
    apply: (ds) => ds.split({ part: n / 10, fit: 'rest' }).fit,
  })),
]
