import { DataError, InvalidArgumentError } from '../errors/index.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { collate, collatePadded, describe, type Padding } from '../tensor/index.ts'
import { type Grouping, Groups } from './groups.ts'
import { paddingStructure } from './padded-batch.ts'

export interface BucketParams {
  readonly length: UserFn
  /** Bucket `i` holds lengths below boundary `i`, and not below the one before; the last holds the rest. */
  readonly boundaries: readonly number[]
  readonly batchSizes: readonly number[]
  readonly padding: Padding
  readonly padToBucketBoundary: boolean
  readonly noPadding: boolean
  readonly dropRemainder: boolean
}

export const bucketBySequenceLengthSpec: JunctionSpec<BucketParams> = {
  op: 'bucketBySequenceLength',
  kind: 'junction',
  summary: 'Batches elements of similar length together, filled up to one length.',
  tfData: 'bucket_by_sequence_length',
  structure: ({ boundaries, batchSizes, padding, ...flags }) => ({
    boundaries,
    batchSizes,
    ...paddingStructure(padding),
    padToBucketBoundary: flags.padToBucketBoundary,
    noPadding: flags.noPadding,
    dropRemainder: flags.dropRemainder,
  }),
  cardinality: unknownCardinality,
  traits: ({ batchSizes }) => ({
    holds: batchSizes.reduce((sum, size) => sum + size, 0),
    runs: 'keeps a batch for each bucket',
    resume: 'reads again from the first element of the oldest batch that is not full',
  }),
  open: ({ params }, context, from) => new Groups(groupingOf(params), context, from),
}

function groupingOf(params: BucketParams): Grouping {
  const { boundaries, batchSizes, dropRemainder } = params
  const sizeOf = (bucket: unknown): number => batchSizes[Number(bucket)] ?? 1
  return {
    op: 'bucketBySequenceLength',
    key: (x) => bucketOf(lengthOf(params.length, x), boundaries),
    size: sizeOf,
    reduce: (bucket, items) =>
      dropRemainder && items.length < sizeOf(bucket)
        ? []
        : [batchOf(params, Number(bucket), items)],
  }
}

function lengthOf(fn: UserFn, x: unknown): number {
  const length = (fn as (x: unknown) => unknown)(x)
  if (typeof length === 'number' && !Number.isNaN(length)) return length
  throw new InvalidArgumentError(
    `length of bucketBySequenceLength must be a number, not ${describe(length)}`,
  )
}

function bucketOf(length: number, boundaries: readonly number[]): number {
  const bucket = boundaries.findIndex((boundary) => length < boundary)
  return bucket < 0 ? boundaries.length : bucket
}

function batchOf(
  { boundaries, padding, padToBucketBoundary, noPadding }: BucketParams,
  bucket: number,
  items: readonly unknown[],
): unknown {
  if (noPadding) return collate(items)
  if (!padToBucketBoundary) return collatePadded(items, padding)
  const boundary = boundaries[bucket]
  if (boundary === undefined) {
    throw new DataError(
      `with padToBucketBoundary every length must be below the last boundary, ${boundaries.at(-1)}`,
    )
  }
  return collatePadded(items, { ...padding, upTo: boundary - 1 })
}
