import { InvalidArgumentError } from '../errors/index.ts'
import { checkFunction, checkWhole } from '../operators/check.ts'
import { checkPadding } from '../operators/padded-batch.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { type Duration, durationMs } from '../stream/duration.ts'
import { describe, type PaddedShapes, type PaddingValues } from '../tensor/index.ts'

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

/** Options of `bucketBySequenceLength`. */
export interface BucketOptions<T> extends PaddedBatchOptions<T> {
  /** The length of an element: a whole number. */
  readonly length: (x: T) => number
  /** Upper ends of the buckets, ascending: a length belongs to the first that it is below, or to the last bucket. */
  readonly boundaries: readonly number[]
  /** Elements in a batch of each bucket: one number more than boundaries. */
  readonly batchSizes: readonly number[]
  /**
   * Fills up to the largest length that the bucket can hold, its boundary less 1, instead of the longest of the
   * batch: sizes that are null in `paddedShapes`, or the first size of each member. Then no element may belong to
   * the last bucket. Default false.
   */
  readonly padToBucketBoundary?: boolean
  /** Batches without filling up: elements of a bucket must be of one length. Default false. */
  readonly noPadding?: boolean
  /** Leaves out batches at the end that are not full. Default false. */
  readonly dropRemainder?: boolean
}

/** Limits of a batch: it is closed by the first one it meets. */
export type BatchLimits<T> = {
  /** Elements at most. */
  readonly max: number
  /**
   * Longest time from the first element until the batch is closed, when the next one does not come. Milliseconds, or
   * text such as `'50ms'`. A checkpoint keeps which batches were closed by it. Default: waits.
   */
  readonly maxWait?: Duration
} & (
  | { readonly maxCost?: undefined; readonly cost?: undefined }
  | {
      /** Sum of the elements' costs at most. An element that costs more than that is a batch of its own. */
      readonly maxCost: number
      /** What an element costs, such as its tokens: a number of at least 0. */
      readonly cost: (x: T) => number
    }
)

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

/** @throws InvalidArgumentError unless there is one batch size more than boundaries. */
export function bucketNode<T>(input: PlanNode, options: BucketOptions<T>, at: At): PlanNode {
  const op = 'bucketBySequenceLength'
  const { length, boundaries, batchSizes, paddedShapes, paddingValues, ...flags } = options
  const { padToBucketBoundary = false, noPadding = false, dropRemainder = false } = flags
  checkFunction(op, length)
  for (const boundary of boundaries) checkWhole(op, 'a boundary', boundary, 0)
  for (const size of batchSizes) checkWhole(op, 'a batch size', size, 1)
  if (batchSizes.length !== boundaries.length + 1) {
    throw new InvalidArgumentError(
      `${op}: ${boundaries.length} boundaries make ${boundaries.length + 1} buckets, but there are ${batchSizes.length} batchSizes`,
    )
  }
  const padding = checkPadding(op, paddedShapes, paddingValues)
  const how = { padding, padToBucketBoundary, noPadding, dropRemainder }
  return makeNode(op, { length, boundaries, batchSizes, ...how }, [input], at)
}

export function batchByNode<T>(input: PlanNode, limits: BatchLimits<T>, at: At): PlanNode {
  const { max, maxCost = Infinity, cost = () => 0, maxWait } = limits
  checkWhole('batch', 'max', max, 1)
  checkFunction('batch: cost', cost)
  if (typeof maxCost !== 'number' || !(maxCost > 0)) {
    throw new InvalidArgumentError(
      `batch: maxCost must be a number above 0, not ${describe(maxCost)}`,
    )
  }
  if ((limits.cost === undefined) !== (limits.maxCost === undefined)) {
    throw new InvalidArgumentError('batch: maxCost and cost go together')
  }
  const ms = maxWait === undefined ? Infinity : durationMs('batch', 'maxWait', maxWait)
  return makeNode('batchBy', { max, maxCost, cost, maxWait: ms }, [input], at)
}
