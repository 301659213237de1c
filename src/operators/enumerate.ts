import { sameCardinality, type StepSpec } from '../stream/spec.ts'

export interface EnumerateParams {
  readonly start: number
}

export const enumerateSpec: StepSpec<EnumerateParams> = {
  op: 'enumerate',
  kind: 'row',
  rows: 'same',
  summary: 'Pairs each element with its number.',
  tfData: 'enumerate',
  structure: ({ start }) => ({ start }),
  cardinality: sameCardinality,
  state: ({ start }) => [start],
  emit: (_, g) => `x = [${g.state(0)}++, x]`,
  step: (_, env, next) => (x) => {
    const n = Number(env.get(0))
    env.set(0, n + 1)
    next([n, x])
  },
}
