import { InvalidArgumentError, ValidationError } from '../errors/index.ts'
import { sameCardinality, type StepSpec, unknownCardinality } from '../stream/spec.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../stream/standard-schema.ts'

export interface ValidateParams {
  readonly schema: StandardSchema
}

/** `validate` that fails, with a synchronous schema. Asynchronous ones are `mapAsync` of `validatorOf`. */
export const validateSpec: StepSpec<ValidateParams> = {
  op: 'validate',
  kind: 'row',
  rows: 'same',
  summary: 'Lets through what a schema accepts, as the schema makes it; anything else is an error.',
  tfData: 'none; a Standard Schema: zod, valibot, arktype',
  structure: ({ schema }) => ({ vendor: schema['~standard'].vendor }),
  cardinality: sameCardinality,
  fn: ({ schema }) => ({ fn: checkerOf(schema), arity: 1 }),
  emit: (_, g) => `x = ${g.call('x')}`,
  step: (_, env, next) => (x) => next(env.call(x)),
}

/** `validate` that leaves out what the schema refuses. */
export const keepValidSpec: StepSpec<ValidateParams> = {
  op: 'keepValid',
  kind: 'row',
  rows: 'fewer',
  summary:
    "validate with onError 'skip': leaves out what a schema refuses; each is reported as a skip event.",
  tfData: 'none',
  structure: ({ schema }) => ({ vendor: schema['~standard'].vendor }),
  cardinality: unknownCardinality,
  state: () => [0],
  emit: ({ schema }, g) => {
    const found = g.own('found')
    const index = g.state(0)
    return `const ${found} = ${g.bind(triedBy(schema))}(x); ${index}++
if ('error' in ${found}) { ${g.skip(`${index} - 1`, `${found}.error`)}; ${g.drop} }
x = ${found}.value`
  },
  step: ({ schema }, env, next) => {
    const attempt = triedBy(schema)
    return (x) => {
      const found = attempt(x)
      const index = Number(env.get(0))
      env.set(0, index + 1)
      if ('error' in found) env.skip(index, x, found.error)
      else next(found.value)
    }
  },
}

/** The function that an asynchronous schema stands for. */
export function validatorOf(schema: StandardSchema): (x: unknown) => Promise<unknown> {
  return async function validate(x: unknown): Promise<unknown> {
    return valueOf(await schema['~standard'].validate(x))
  }
}

function checkerOf(schema: StandardSchema): (x: unknown) => unknown {
  return (x) => {
    const result = schema['~standard'].validate(x)
    if ('then' in result) refusePromise(result)
    return valueOf(result)
  }
}

function triedBy(
  schema: StandardSchema,
): (x: unknown) => { readonly value: unknown } | { readonly error: unknown } {
  const check = checkerOf(schema)
  return (x) => {
    try {
      return { value: check(x) }
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw error // the pipeline is wrong, not the element
      return { error }
    }
  }
}

function valueOf(result: SchemaResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  throw new ValidationError(
    result.issues.map(({ message, path }) => ({ path: pathText(path), message })),
  )
}

/** `user.tags[0]`; empty for the element itself. */
function pathText(path: SchemaIssue['path'] = []): string {
  return path
    .map((part) => (typeof part === 'object' ? part.key : part))
    .map((key, k) =>
      typeof key === 'number' ? `[${key}]` : k === 0 ? String(key) : `.${String(key)}`,
    )
    .join('')
}

function refusePromise(promise: Promise<unknown>): never {
  promise.catch(() => undefined) // the error below tells; the promise must not end the process as unhandled
  throw new InvalidArgumentError(
    'the schema answered with a promise: it is asynchronous, or a check in it threw. Say how many elements may ' +
      'be under way: validate(schema, { parallelism: 16 })',
  )
}
