import { InvalidArgumentError } from '../errors/index.ts'
import { describe } from '../tensor/index.ts'
import { type StepSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'

export interface FilterParams {
  readonly fn: UserFn
}

export const filterSpec: StepSpec<FilterParams> = {
  op: 'filter',
  kind: 'row',
  rows: 'fewer',
  summary: 'Keeps the elements for which a function says true.',
  tfData: 'filter',
  structure: () => ({}),
  cardinality: unknownCardinality,
  fn: ({ fn }) => ({ fn, arity: 1 }),
  emit: (_, g) => {
    const keep = g.own('keep')
    return `const ${keep} = ${g.call('x')}; if (${keep} !== true) { if (${keep} !== false) ${g.bind(refuse)}(${keep}); ${g.drop} }`
  },
  step: (_, env, next) => (x) => {
    const keep = env.call(x)
    if (keep === true) next(x)
    else if (keep !== false) refuse(keep)
  },
}

/** Truthiness hides bugs: a promise is truthy, so an async predicate would keep everything. */
export function refuse(answer: unknown): never {
  const mend =
    answer instanceof Promise
      ? ': await in a map before it, and filter by what came of that'
      : ': compare, or write !! before it'
  throw new InvalidArgumentError(
    `a predicate must return true or false, not ${describe(answer)}${mend}`,
  )
}
