import { InvalidArgumentError } from '../errors/index.ts'
import { validatorOf } from '../operators/validate.ts'
import { makeNode, type PlanNode } from '../plan/node.ts'
import type { StandardSchema } from '../stream/standard-schema.ts'
import { describe } from '../tensor/index.ts'
import { type MapOptions, mapNode } from './map.ts'

/** How `validate` deals with elements. */
export interface ValidateOptions {
  /** What becomes of an element that the schema refuses: `'fail'` (default) or `'skip'`, counted. */
  readonly onError?: NonNullable<MapOptions['onError']>
  /** Elements under way at most, for asynchronous schemas, which need it. */
  readonly parallelism?: number
}

/** The plan's node of `validate`: a loop body for synchronous schemas, a junction for others. */
export function validateNode(
  input: PlanNode,
  schema: StandardSchema,
  { onError = 'fail', parallelism }: ValidateOptions,
  at: string | undefined,
): PlanNode {
  checkSchema(schema)
  if (parallelism === undefined && onError === 'fail') {
    return makeNode('validate', { schema }, [input], at)
  }
  if (parallelism === undefined && onError === 'skip') {
    return makeNode('keepValid', { schema }, [input], at)
  }
  const calls = parallelism === undefined ? {} : { parallelism }
  return mapNode(input, validatorOf(schema), { onError, ...calls }, at)
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
