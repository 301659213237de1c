import type { PositionMap, StepSpec } from '../stream/spec.ts'

export interface TakeParams {
  /** Negative takes all, as in tf.data. */
  readonly count: number
}

export const takeSpec: StepSpec<TakeParams> = {
  op: 'take',
  kind: 'row',
  rows: 'fewer',
  summary: 'Ends after so many elements; a negative count takes all.',
  tfData: 'take',
  structure: ({ count }) => ({ count }),
  cardinality: ({ count }, [n]) => {
    if (count < 0) return n
    return count === 0 ? 0 : n === undefined ? undefined : Math.min(count, n)
  },
  noop: ({ count }) => count < 0,
  merge: (own, above): TakeParams => ({ count: smaller(own.count, above.count) }),
  view: ({ count }, length): PositionMap => ({
    length: count < 0 ? length : Math.min(count, length),
    prefix: true,
    emit: (i) => i,
    at: (i) => i,
  }),
  state: ({ count }) => [count],
  over: ([left]) => left === 0,
  // The element behind the last one is never asked for: it may be costly, or fail.
  emit: (_, g) => `if (--${g.state(0)} === 0) ${g.finish}`,
  step: (_, env, next) => (x) => {
    const left = Number(env.get(0)) - 1
    env.set(0, left)
    if (left === 0) env.finish()
    next(x)
  },
}

function smaller(a: number, b: number): number {
  return a < 0 ? b : b < 0 ? a : Math.min(a, b)
}
