import type { PositionMap, StepSpec } from '../stream/spec.ts'

export interface SkipParams {
  /** Negative skips all, as in tf.data. */
  readonly count: number
}

export const skipSpec: StepSpec<SkipParams> = {
  op: 'skip',
  kind: 'row',
  rows: 'fewer',
  summary: 'Leaves out so many elements at the start; a negative count leaves out all.',
  tfData: 'skip',
  structure: ({ count }) => ({ count }),
  cardinality: ({ count }, [n]) => {
    if (count < 0) return 0
    return n === undefined ? undefined : Math.max(0, n - count)
  },
  noop: ({ count }) => count === 0,
  merge: (own, above): SkipParams => ({
    count: own.count < 0 || above.count < 0 ? -1 : own.count + above.count,
  }),
  view: ({ count }, length): PositionMap => ({
    length: count < 0 ? 0 : Math.max(0, length - count),
    emit: (i) => `${i} + ${count}`,
    at: (i) => i + count,
  }),
  state: ({ count }) => [count],
  over: ([left]) => Number(left) < 0,
  emit: (_, g) => `if (${g.state(0)} > 0) { ${g.state(0)}--; ${g.drop} }`,
  step: (_, env, next) => (x) => {
    const left = Number(env.get(0))
    if (left > 0) env.set(0, left - 1)
    else next(x)
  },
}
