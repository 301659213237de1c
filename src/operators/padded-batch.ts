import { InvalidArgumentError } from '../errors/index.ts'
import type { Json } from '../stream/operator.ts'
import type { GatherSpec } from '../stream/spec.ts'
import { collatePadded, describe, isRecord, isTuple, type Padding } from '../tensor/index.ts'
import { type BatchParams, batchSpec } from './batch.ts'

export interface PaddedBatchParams extends BatchParams {
  readonly padding: Padding
}

export const paddedBatchSpec: GatherSpec<PaddedBatchParams> = {
  op: 'paddedBatch',
  kind: 'row',
  rows: 'gather',
  summary:
    'Stacks so many neighbouring elements, their vectors, tensors and columns filled up to one size.',
  tfData: 'padded_batch; shapes and values may leave out fields of records',
  structure: ({ size, dropRemainder, padding }) => ({
    size,
    dropRemainder,
    ...paddingStructure(padding),
  }),
  cardinality: batchSpec.cardinality,
  size: ({ size }) => size,
  make:
    ({ padding }) =>
    (items) =>
      collatePadded(items, padding),
  keepsRest: ({ dropRemainder }) => !dropRemainder,
}

/** Padding as it is part of a node's structure. */
export function paddingStructure({ shapes, values }: Padding): { readonly [name: string]: Json } {
  return { shapes: jsonOf(shapes), values: jsonOf(values) }
}

function jsonOf(part: unknown): Json {
  if (isTuple(part)) return part.map(jsonOf)
  if (isRecord(part)) {
    return Object.fromEntries(Object.entries(part).map(([name, member]) => [name, jsonOf(member)]))
  }
  if (typeof part === 'bigint') return `${part}n`
  // Infinities and NaN are no JSON.
  if (typeof part === 'number') return Number.isFinite(part) ? part : `${part}`
  return typeof part === 'string' || typeof part === 'boolean' ? part : null
}

/** @throws InvalidArgumentError when shapes or values are of no structure that elements could have. */
export function checkPadding(op: string, shapes: unknown, values: unknown): Padding {
  checkLeaves(shapes, (leaf) => {
    if (leaf === null || (Number.isSafeInteger(leaf) && Number(leaf) >= 0)) return
    throw new InvalidArgumentError(
      `${op}: paddedShapes hold whole numbers, or null for the longest of the batch, not ${describe(leaf)}`,
    )
  })
  checkLeaves(values, (leaf) => {
    if (leaf === null || ['number', 'string', 'boolean', 'bigint'].includes(typeof leaf)) return
    throw new InvalidArgumentError(
      `${op}: paddingValues hold numbers, texts and booleans, not ${describe(leaf)}`,
    )
  })
  return { shapes, values }
}

function checkLeaves(part: unknown, check: (leaf: unknown) => void): void {
  if (part === undefined) return
  if (isTuple(part)) for (const member of part) checkLeaves(member, check)
  else if (isRecord(part)) for (const member of Object.values(part)) checkLeaves(member, check)
  else check(part)
}
