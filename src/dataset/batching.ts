import { InvalidArgumentError } from '../errors/index.ts'
import { checkWhole } from '../operators/check.ts'
import { checkPadding } from '../operators/padded-batch.ts'
import { makeNode, type PlanNode } from '../plan/node.ts'
import type { PaddedShapes, PaddingValues } from '../tensor/index.ts'

type At = string | undefined

/** Options of `raggedBatch`, and of all that make batches. */
export interface BatchOptions {
  /** Leaves out the last batch when it is smaller than the others. Default false. */
  readonly dropRemainder?: boolean
}

/** Options of `paddedBatch`. */
export interface PaddedBatchOptions<T> extends BatchOptions {
  /** Size of each dimension; null, the default, is the longest of the batch. */
  readonly paddedShapes?: PaddedShapes<T>
  /** What fills the gaps. Default 0, the empty text, or false. */
  readonly paddingValues?: PaddingValues<T>
}

/** The node of one of the operators that gather a number of elements. */
export function batchNode(
  op: 'batch' | 'raggedBatch',
  input: PlanNode,
  size: number,
  { dropRemainder = false }: BatchOptions,
  at: At,
): PlanNode {
  checkWhole(op, 'size', size, 1)
  return makeNode(op, { size, dropRemainder }, [input], at)
}

export function paddedBatchNode<T>(
  input: PlanNode,
  size: number,
  { dropRemainder = false, paddedShapes, paddingValues }: PaddedBatchOptions<T>,
  at: At,
): PlanNode {
  checkWhole('paddedBatch', 'size', size, 1)
  const padding = checkPadding('paddedBatch', paddedShapes, paddingValues)
  return makeNode('paddedBatch', { size, dropRemainder, padding }, [input], at)
}

export function rebatchNode(
  input: PlanNode,
  sizes: number | readonly number[],
  { dropRemainder = false }: BatchOptions,
  at: At,
): PlanNode {
  const list: readonly number[] = Array.isArray(sizes) ? sizes : [sizes as number]
  for (const size of list) checkWhole('rebatch', 'a size', size, 0)
  if (!list.some((size) => size > 0)) {
    throw new InvalidArgumentError('rebatch takes one size above 0 at least')
  }
  return makeNode('rebatch', { sizes: [...list], dropRemainder }, [input], at)
}
