import { InvalidArgumentError } from '../errors/index.ts'
import { sameCardinality, type StepSpec, type UserFn } from '../stream/spec.ts'

/** `map` with a synchronous function. Asynchronous ones are `mapAsync`. */
export interface MapParams {
  readonly fn: UserFn
}

export const mapSpec: StepSpec<MapParams> = {
  op: 'map',
  kind: 'row',
  rows: 'same',
  summary: 'Calls a function on each element.',
  tfData: 'map; any JavaScript function, not a graph',
  structure: () => ({}),
  cardinality: sameCardinality,
  fn: ({ fn }) => ({ fn, arity: 1 }),
  // `instanceof Promise` would cost 1.5 ns an element on numbers, and more on objects.
  emit: (_, g) =>
    `x = ${g.call('x')}; if (typeof x === 'object' && x !== null && typeof x.then === 'function') ${g.bind(refusePromise)}(x)`,
  step: (_, env, next) => (x) => {
    const y = env.call(x)
    if (isThenable(y)) refusePromise(y)
    next(y)
  },
}

function isThenable(y: unknown): y is PromiseLike<unknown> {
  return typeof y === 'object' && y !== null && 'then' in y && typeof y.then === 'function'
}

function refusePromise(promise: PromiseLike<unknown>): never {
  promise.then(undefined, () => undefined) // the error below tells; the promise must not end the process as unhandled
  throw new InvalidArgumentError(
    'the function of map returned a promise. Write it as `async`, or say how many may be under way: ' +
      'map(fn, { parallelism: 16 })',
  )
}
