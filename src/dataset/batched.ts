import { makeNode } from '../plan/node.ts'
import type { Batch, RaggedBatch, Unbatch } from '../tensor/index.ts'
import {
  batchByNode,
  type BatchLimits,
  type BatchOptions,
  batchNode,
  type BucketOptions,
  bucketNode,
  type PaddedBatchOptions,
  paddedBatchNode,
  rebatchNode,
} from './batching.ts'
import { callSite } from './call-site.ts'
import type { MapFn, MapOptions } from './map.ts'
// The two files need each other, but nothing here needs it before the first call.
import { Dataset } from './dataset.ts'
import { Sourced } from './sourced.ts'

/** What makes batches and takes them apart: methods of `Dataset`. */
export class Batched<T> extends Sourced<T> {
  /**
   * Stacks `size` neighbouring elements into one. Numbers become a `Float64Array`, typed arrays and tensors of
   * equal shape a `Tensor`, tuples and records are batched member by member, anything else becomes a `Column`.
   * The last batch may be smaller, unless `dropRemainder` is true (default false).
   *
   * With limits instead of a size the next element begins another batch when there are `max`, or when the sum of
   * costs would exceed `maxCost`; `maxWait` closes a batch that waits for elements too long.
   *
   * ```ts no-run
   * texts.batch({ max: 100, maxCost: 8000, cost: (text) => text.length / 4, maxWait: '50ms' }).map(embedAll)
   * ```
   */
  // Not two signatures: a wrong size would be told of twice.
  batch(size: number | BatchLimits<T>, options: BatchOptions = {}): Dataset<Batch<T>> {
    const at = callSite()
    if (typeof size === 'object' && size !== null) {
      return new Dataset(batchByNode(this.plan, size, at))
    }
    return new Dataset(batchNode('batch', this.plan, size, options, at))
  }

  /**
   * As `batch`, with typed arrays, tensors and columns filled up to one size: to the sizes of `paddedShapes`, or
   * where those are null to the longest of the batch.
   *
   * @throws InvalidArgumentError on iteration when an element is larger than its padded shape, and when shapes or
   *   values do not have the structure, rank or type of the elements.
   */
  // `E` is `T`: options that are written in terms of `T` would cost `Dataset` its covariance.
  paddedBatch<E>(
    this: Dataset<E>,
    size: number,
    options: PaddedBatchOptions<E> = {},
  ): Dataset<Batch<E>> {
    return new Dataset(paddedBatchNode(this.plan, size, options, callSite()))
  }

  /**
   * As `batch`, for typed arrays, tensors and columns whose sizes differ: they become a `Column` of rows, whatever
   * their sizes. `unbatch` gives the rows back.
   */
  raggedBatch(size: number, options: BatchOptions = {}): Dataset<RaggedBatch<T>> {
    return new Dataset(batchNode('raggedBatch', this.plan, size, options, callSite()))
  }

  /**
   * Batches elements of similar length together, so that little is filled up: a `paddedBatch` for each bucket, as
   * soon as it is full. What is left at the end comes bucket by bucket.
   *
   * @throws InvalidArgumentError unless there is one batch size more than boundaries.
   */
  bucketBySequenceLength<E>(this: Dataset<E>, options: BucketOptions<E>): Dataset<Batch<E>> {
    return new Dataset(bucketNode(this.plan, options, callSite()))
  }

  /** Splits batches into their elements: the inverse of `batch`. */
  unbatch(): Dataset<Unbatch<T>> {
    return new Dataset(makeNode('unbatch', {}, [this.plan], callSite()))
  }

  /**
   * Maps batches of `size` elements, as `batch` makes them: columns in, columns out, elements on: short for
   * `batch(size).map(fn, options).unbatch()`. `fn` may return any number of rows. A batch that fails is one element to
   * `onError`: all of its rows are left out, or become one dead letter.
   *
   * ```ts no-run
   * table.mapBatches(1024, ({ price, count }) => ({ total: price.map((p, i) => p * (count[i] ?? 0)) }))
   * ```
   *
   * @throws DataError on iteration when columns that `fn` returned differ in length.
   */
  mapBatches<U extends object>(
    size: number | BatchLimits<T>,
    fn: MapFn<Batch<T>, U>,
    options: MapOptions<Batch<T>, U> = {},
  ): Dataset<Unbatch<U>> {
    return this.batch(size).map(fn, options).unbatch()
  }

  /**
   * Batches of `sizes` rows, sizes used in turn, of the same rows: as `unbatch().batch(size)`, but batches are sliced
   * and joined as they are, and keep the kind of their numbers. Slices of one batch are views, no copies.
   *
   * @throws InvalidArgumentError on iteration when batches to be joined differ in fields, numbers or shape.
   */
  rebatch<E extends object>(
    this: Dataset<E>,
    sizes: number | readonly number[],
    options: BatchOptions = {},
  ): Dataset<E> {
    return new Dataset(rebatchNode(this.plan, sizes, options, callSite()))
  }
}
