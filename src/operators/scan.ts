import { InvalidArgumentError } from '../errors/index.ts'
import type { Json } from '../stream/operator.ts'
import { describe } from '../tensor/index.ts'
import { sameCardinality, type StepSpec, type UserFn } from '../stream/spec.ts'

export interface ScanParams {
  /** The first state; states must be JSON values, replaced and not changed in place. */
  readonly init: Json
  readonly fn: UserFn
}

export const scanSpec: StepSpec<ScanParams> = {
  op: 'scan',
  kind: 'row',
  rows: 'same',
  summary:
    'Carries a state along: a function makes the next state and an output of state and element.',
  tfData: 'scan; the state is JSON, replaced and never changed',
  structure: () => ({}),
  cardinality: sameCardinality,
  state: ({ init }) => [init],
  fn: ({ fn }) => ({ fn, arity: 2 }),
  emit: (_, g) => {
    const pair = g.own('pair')
    return `const ${pair} = ${g.bind(checkPair)}(${g.call(`${g.state(0)}, x`)}); ${g.state(0)} = ${pair}[0]; x = ${pair}[1]`
  },
  step: (_, env, next) => (x) => {
    const [state, y] = checkPair(env.call(env.get(0), x))
    env.set(0, state)
    next(y)
  },
}

function checkPair(pair: unknown): readonly unknown[] {
  if (Array.isArray(pair) && pair.length === 2) return pair
  throw new InvalidArgumentError(
    `the function of scan must return [state, output], not ${describe(pair)}`,
  )
}
