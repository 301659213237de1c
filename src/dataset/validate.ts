import { InvalidArgumentError } from '../errors/index.ts'
import { checkOptionNames } from '../operators/check.ts'
import { validatorOf } from '../operators/validate.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import type { StandardSchema } from '../stream/standard-schema.ts'
import { describe } from '../tensor/index.ts'
import { mapNode } from './map.ts'

/** How `validate` deals with elements. */
export interface ValidateOptions {
  /** What becomes of an element that the schema refuses: `'fail'` (default), `'skip'` or `'deadLetter'`. */
  readonly onError?: 'fail' | 'skip' | 'deadLetter'
  /** Elements that may be left out before the run fails after all. Default: any number. */
  readonly maxErrors?: number
  /** Elements under way at most, for asynchronous schemas, which need it. */
  readonly parallelism?: number
}

/** The plan's node of `validate`: a loop body for synchronous schemas, a junction where there is more to do. */
export function validateNode(
  input: PlanNode,
  schema: StandardSchema,
  options: ValidateOptions,
  at: At,
): PlanNode {
  checkSchema(schema)
  checkOptionNames('validate', options, { onError: 1, maxErrors: 1, parallelism: 1 })
  const { onError = 'fail', maxErrors, parallelism } = options
  if (parallelism === undefined && maxErrors === undefined) {
    if (onError === 'fail') return makeNode('validate', { schema }, [input], at)
    if (onError === 'skip') return makeNode('keepValid', { schema }, [input], at)
  }
  return mapNode(input, validatorOf(schema), options, at)
}

function checkSchema(schema: unknown): void {
  // arktype's schemas are functions.
  const holder = typeof schema === 'function' || typeof schema === 'object' ? schema : undefined
  const standard: unknown = holder && '~standard' in holder ? holder['~standard'] : undefined
  if (typeof standard === 'object' && standard !== null && 'validate' in standard) return
  throw new InvalidArgumentError(
    `validate takes a Standard Schema, such as z.object({ ... }) of zod 3.24 or newer, not ${describe(schema)}`,
  )
}
