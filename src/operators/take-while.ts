import { refuse } from './filter.ts'
import { type StepSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'

export interface TakeWhileParams {
  readonly fn: UserFn
}

export const takeWhileSpec: StepSpec<TakeWhileParams> = {
  op: 'takeWhile',
  kind: 'row',
  rows: 'fewer',
  summary: 'Ends before the first element for which a function says false.',
  tfData: 'take_while',
  structure: () => ({}),
  cardinality: unknownCardinality,
  state: () => [false],
  over: ([ended]) => ended === true,
  fn: ({ fn }) => ({ fn, arity: 1 }),
  emit: (_, g) => {
    const keep = g.own('keep')
    return `const ${keep} = ${g.call('x')}; if (${keep} !== true) { if (${keep} !== false) ${g.bind(refuse)}(${keep}); ${g.state(0)} = true; ${g.finish}; ${g.drop} }`
  },
  step: (_, env, next) => (x) => {
    const keep = env.call(x)
    if (keep === true) return next(x)
    if (keep !== false) refuse(keep)
    env.set(0, true)
    env.finish()
  },
}
