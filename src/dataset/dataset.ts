import { InvalidArgumentError } from '../errors/index.ts'
import { checkFunction, checkWhole, type GroupKey } from '../operators/check.ts'
import { makeNode } from '../plan/node.ts'
import type { IterateOptions } from '../run/iteration.ts'
import type { Local } from '../stream/local.ts'
import type { Json } from '../stream/operator.ts'
import type { Sink } from '../stream/sink.ts'
import type { SchemaOutput, StandardSchema } from '../stream/standard-schema.ts'
import { Batched } from './batched.ts'
import { callSite } from './call-site.ts'
import {
  type FinalReducer,
  groupByNode,
  type Reducer,
  type SplitOptions,
  mapValues,
  type SplitParts,
  splitNodes,
} from './groups.ts'
import { type MapFn, type MapOptions, mapNode } from './map.ts'
import {
  flatMapNode,
  type GroupByWindowOptions,
  groupByWindowNode,
  type InterleaveOptions,
  interleaveNode,
  type Several,
  type Windowed,
  type WindowOptions,
  windowNode,
} from './nested.ts'
import { type OnlyChangedOptions, onlyChangedNode } from './only-changed.ts'
import { Pipeline, type WriteOptions } from './pipeline.ts'
import { type ResampleOptions, resampleNode } from './resample.ts'
import { type ShuffleOptions, shuffleNode } from './shuffle.ts'
import { cacheNode } from './save.ts'
import { arrayNode } from './sources.ts'
import { type ValidateOptions, validateNode } from './validate.ts'
import { type UniqueOptions, uniqueNode } from './unique.ts'
import type { Widened } from './widened.ts'

const ANY = Number.MIN_SAFE_INTEGER

/**
 * A pipeline of elements of type `T`, described and not yet run. Each method returns a new dataset; nothing is
 * opened or read until it is iterated, and it can be iterated again and again.
 *
 * ```ts
 * const batches = Dataset.range(10).filter((x) => x % 2 === 0).map((x) => x * x).batch(2)
 * for await (const batch of batches) console.log(batch) // => Float64Array [0, 4] ...
 * ```
 */
export class Dataset<T> extends Batched<T> {
  /**
   * Calls `fn` on each element. With an `async` function, or `parallelism`, several calls are under way at once
   * and results keep their order. A stage with a place, such as `decode.on(threads(2))`, runs in workers.
   *
   * `local` holds the element's index, random numbers that follow from (seed, stage, epoch, element), and a
   * signal that is aborted when the run stops.
   *
   * @throws StageError on iteration when `fn` throws, unless `onError` is `'skip'` or `'deadLetter'`.
   */
  map<U>(fn: MapFn<T, U>, options: MapOptions<T, U> = {}): Dataset<U> {
    return new Dataset(mapNode(this.plan, fn, options, callSite()))
  }

  /** Keeps the elements for which `fn` returns true; a type guard narrows the element type. */
  filter<U extends T = T>(
    // One signature, not two overloads: a mistake is then told in two lines instead of seven.
    fn: ((x: T, local: Local) => x is U) | ((x: T, local: Local) => boolean),
  ): Dataset<U> {
    checkFunction('filter', fn)
    return this.#append('filter', { fn })
  }

  /**
   * Lets through what a schema accepts, as the schema makes it: a Standard Schema, such as of zod, valibot or
   * arktype, whose output is the element type from here on. An asynchronous schema needs `parallelism`.
   *
   * @throws StageError on iteration for an element that the schema refuses, with the issues in its `cause`, a
   *   `ValidationError`; with `onError: 'skip'` or `'deadLetter'` it is left out and counted instead.
   */
  validate<S extends StandardSchema>(
    schema: S,
    options: ValidateOptions = {},
  ): Dataset<SchemaOutput<S>> {
    return new Dataset(validateNode(this.plan, schema, options, callSite()))
  }

  /**
   * Makes several elements, or none, of each: those of the array or dataset that `fn` returns, one after the
   * other. Arrays are cheaper.
   */
  flatMap<U>(fn: (x: T, local: Local) => Several<U>): Dataset<U> {
    return new Dataset(flatMapNode(this.plan, fn, callSite()))
  }

  /**
   * Makes a dataset or array of each element, and takes turns between `cycleLength` of them, `blockLength`
   * elements each: lines of several files at a time. With `parallelism` they are read at the same time. An input
   * that ends gives its turn away and is replaced when its turn comes again.
   *
   * ```ts
   * Dataset.range(3).interleave((x) => [x, x, x], { cycleLength: 2 }) // => 0, 1, 0, 1, 0, 1, 2, 2, 2
   * ```
   */
  interleave<U>(
    fn: (x: T, local: Local) => Several<U>,
    options: InterleaveOptions = {},
  ): Dataset<U> {
    return new Dataset(interleaveNode(this.plan, fn, options, callSite()))
  }

  /**
   * Datasets of `size` elements each: neighbours, or every `stride`-th; one starts `shift` elements behind the
   * other. Of tuples and records, each window is a tuple or record of datasets.
   *
   * ```ts
   * Dataset.range(5).window(3, { shift: 1, dropRemainder: true }).flatMap((w) => w.batch(3)) // => [0, 1, 2] ...
   * ```
   */
  window(size: number, options: WindowOptions = {}): Dataset<Windowed<T>> {
    return new Dataset(windowNode(this.plan, size, options, ofItems, callSite()))
  }

  /**
   * Collects elements by key, and replaces each `windowSize` of a key by the elements of `reduce(key, window)`.
   * What is left at the end comes key by key, ascending.
   *
   * ```ts
   * Dataset.range(5).groupByWindow({ key: (x) => x % 2, reduce: (_, w) => w.batch(2), windowSize: 2 })
   * // => [0, 2], [1, 3], [4]
   * ```
   */
  groupByWindow<K extends GroupKey, U>(options: GroupByWindowOptions<T, K, U>): Dataset<U> {
    return new Dataset(groupByWindowNode(this.plan, options, ofItems, callSite()))
  }

  /**
   * Folds the elements of each key into one: `[key, state]`, or what `finalize` makes of it. Groups come when all
   * elements were read, in the order of their first elements; a state of each is held in memory.
   *
   * ```ts
   * words.groupBy((w) => w.length, { init: () => 0, reduce: (n) => n + 1 }) // => [3, 17], [5, 4] ...
   * ```
   */
  groupBy<K extends GroupKey, S, U>(key: (x: T) => K, reducer: FinalReducer<T, K, S, U>): Dataset<U>
  groupBy<K extends GroupKey, S>(
    key: (x: T) => K,
    reducer: Reducer<T, K, S>,
  ): Dataset<readonly [K, S]>
  groupBy(key: unknown, reducer: Reducer<T, never, unknown>): Dataset<unknown> {
    return new Dataset(groupByNode(this.plan, key, reducer, callSite()))
  }

  /**
   * Leaves out elements by chance, so that classes come as often as `targetDist` says; the others keep their order.
   * What is left out follows from the seeds and the position alone.
   *
   * ```ts
   * const even = Dataset.range(1000).rejectionResample({ class: (x) => Number(x % 10 === 0), targetDist: [1, 1] })
   * console.log((await even.toArray()).length) // about 200, half of them divisible by 10
   * ```
   *
   * @throws InvalidArgumentError on iteration when `class` gives no whole number below the length of `targetDist`.
   */
  rejectionResample(options: ResampleOptions<T>): Dataset<T> {
    return new Dataset(resampleNode(this.plan, options, callSite()))
  }

  /**
   * Emits random elements of a buffer that holds the next `bufferSize`. The order follows from the seeds and the
   * epoch alone.
   *
   * A buffer mixes well only when it is about as large as the dataset. `'global'` is a random order of all
   * elements without a buffer, in constant memory: for sources with random access (`range`, `counter`, `random`,
   * `fromArray`, `fromTensorSlices`, `load`, parts of them by `take`, `skip`, `shard`), with synchronous maps between.
   *
   * @throws InvalidArgumentError when `'global'` follows something without random access, or without an end.
   */
  shuffle(bufferSize: number | 'global', options: ShuffleOptions = {}): Dataset<T> {
    return new Dataset(shuffleNode(this.plan, bufferSize, options, callSite()))
  }

  /** Runs through the dataset `count` times, each an epoch; without a count, or below 0, without end. */
  repeat(count = -1): Dataset<T> {
    return this.#append('repeat', { count: checkWhole('repeat', 'count', count, ANY) })
  }

  /** The first `count` elements; below 0, all. What comes behind them is not read. */
  take(count: number): Dataset<T> {
    return this.#append('take', { count: checkWhole('take', 'count', count, ANY) })
  }

  /** All but the first `count` elements; below 0, none. */
  skip(count: number): Dataset<T> {
    return this.#append('skip', { count: checkWhole('skip', 'count', count, ANY) })
  }

  /** Ends before the first element for which `fn` returns false. */
  takeWhile(fn: (x: T, local: Local) => boolean): Dataset<T> {
    checkFunction('takeWhile', fn)
    return this.#append('takeWhile', { fn })
  }

  /** Every `numShards`-th element from the `index`-th on: the share of one of several readers. */
  shard(numShards: number, index: number): Dataset<T> {
    checkWhole('shard', 'numShards', numShards, 1)
    checkWhole('shard', 'index', index, 0)
    if (index >= numShards) {
      throw new InvalidArgumentError(`shard: index ${index} must be below numShards ${numShards}`)
    }
    return this.#append('shard', { shards: numShards, index })
  }

  /**
   * Parts of the dataset by name, each element in exactly one: `{ test: 0.1 }` gives `{ test, train }`. The part
   * follows from a hash of the element's key, whatever the order, the run and the other elements; without `key`,
   * from its position. Fractions are met on average, not to the element. What the parts leave is `train`, or the
   * part whose size is `'rest'`.
   *
   * ```ts no-run
   * const { train, test } = chats.split({ key: (c) => c.user, test: 0.05, seed: 1 })
   * ```
   *
   * @throws InvalidArgumentError when the fractions add up to more than 1.
   */
  split<const P extends SplitOptions<T>>(
    options: P,
  ): { readonly [K in SplitParts<P>]: Dataset<T> } {
    return mapValues(splitNodes(this.plan, options, callSite()), (node) => new Dataset<T>(node))
  }

  /** Pairs of the element's number, counted from `start` (default 0), and the element. */
  enumerate(start = 0): Dataset<readonly [number, T]> {
    const params = { start: checkWhole('enumerate', 'start', start, ANY) }
    return this.#append('enumerate', params)
  }

  /** Carries a state along: `fn` makes the next state and an output. States are JSON values, never mutated. */
  scan<S extends Json, U>(
    init: S,
    fn: (state: Widened<S>, x: T, local: Local) => readonly [Widened<S>, U],
  ): Dataset<U> {
    checkFunction('scan', fn)
    return this.#append('scan', { init, fn })
  }

  /**
   * Keeps the first of elements that are equal, in order: equal by value, or by what `key` returns. Records compare by
   * their fields, tuples, typed arrays and tensors by their members, NaN equals NaN, -0 equals 0; the number 1, the
   * text '1' and 1n differ.
   *
   * Exact. What was met takes up to `memory` bytes (default 128 MB); beyond that it goes to temporary files as 128 bits of
   * its SHA-256, in which no two values were ever found to be alike. A resume reads the input again from the start of the epoch.
   *
   * @throws InvalidArgumentError on iteration for what has no value: functions, symbols, instances of classes.
   */
  unique(key?: (x: T) => unknown, options: UniqueOptions = {}): Dataset<T> {
    return new Dataset(uniqueNode(this.plan, key, options, callSite()))
  }

  /**
   * Keeps the elements whose key is new, or of which `by` (default: all) has changed, since the last finished run into
   * the sink. What counts is what the sink has committed: elements that failed further on come again. Keys that the
   * source does not have any more are removed by sinks that can (`prune`), when the source was read to its end.
   *
   * ```ts no-run
   * docs.onlyChanged({ key: (d) => d.id, by: (d) => d.body }).map(embed).write(upsert(PG, 'docs', { key: 'id', prune: true }))
   * ```
   *
   * It needs a state folder, which `millstream run` has: `run({ state: DIR })`. Outside of runs `iterate({ state: DIR })`
   * compares with it and changes nothing. Memory: 24 to 48 bytes a key.
   *
   * @throws InvalidArgumentError behind what cuts its input, such as `take`, and when one that cannot stand behind it is
   *   written; on iteration without a state folder, and for keys that are no texts, numbers, or tuples of them.
   * @throws StageError on iteration for two elements of one key that differ.
   */
  onlyChanged(options: OnlyChangedOptions<T>): Dataset<T> {
    return new Dataset(onlyChangedNode(this.plan, options, callSite()))
  }

  /** The elements of `other` after these. */
  concatenate<U>(other: Dataset<U>): Dataset<T | U> {
    if (!(other instanceof Dataset)) throw new InvalidArgumentError('concatenate takes a dataset')
    return new Dataset(makeNode('concatenate', {}, [this.plan, other.plan], callSite()))
  }

  /**
   * Keeps all elements when they are first read to the end; later epochs and iterations read those. In memory, or in a
   * folder: then later runs read them too, from any position at once. A folder is there when all elements are, also
   * when the process dies or several fill it. It is tf.data's `snapshot` as well.
   *
   * A folder that another pipeline filled, or another seed where chance decides elements, is refused. Functions
   * are compared by their places and not by what they do, files by their names: when one changes, delete the folder or
   * give another.
   *
   * @throws DataError on iteration when the folder holds something else, or its files are damaged.
   * @throws InvalidArgumentError on iteration for instances of classes and functions, which a folder cannot keep.
   */
  cache(folder?: string): Dataset<T> {
    return new Dataset(cacheNode(this.plan, folder, callSite()))
  }

  /**
   * Prepares `bufferSize` elements ahead while the reader is busy with earlier ones. Default: `'auto'`, which begins with
   * 2 and doubles while the reader finds the buffer empty at times and full at others.
   */
  prefetch(bufferSize: number | 'auto' = 'auto'): Dataset<T> {
    if (bufferSize !== 'auto') checkWhole('prefetch', 'bufferSize', bufferSize, 0)
    return this.#append('prefetch', { size: bufferSize })
  }

  /**
   * Says how many elements there are, where `cardinality` cannot know; `Infinity` where there is no end.
   *
   * @throws StageError on iteration where there turn out to be fewer or more, behind those that there are.
   */
  assertCardinality(count: number): Dataset<T> {
    if (count !== Infinity) checkWhole('assertCardinality', 'count', count, 0)
    return this.#append('assertCardinality', { count })
  }

  /** Leaves out elements on which a stage above failed; each is reported as a `skip` event and counted. */
  ignoreErrors(): Dataset<T> {
    return this.#append('ignoreErrors', {})
  }

  /** The elements into a sink, such as `to.jsonl('out.jsonl')`: a pipeline to run, by `run()` or `millstream run`. */
  write(sink: Sink<T>, options: WriteOptions = {}): Pipeline<T> {
    return new Pipeline(this, sink, options)
  }

  /** `fn` of this dataset: for parts of pipelines that are functions. */
  apply<U>(fn: (dataset: this) => U): U {
    return fn(this)
  }

  /** The first element, or undefined of an empty dataset. */
  async first(options: IterateOptions = {}): Promise<T | undefined> {
    for await (const x of this.take(1).iterate(options)) return x
    return undefined
  }

  #append<U>(op: string, params: object): Dataset<U> {
    return new Dataset(makeNode(op, params, [this.plan], callSite()))
  }
}

/** A dataset that the engine makes, and often: without a place in the user's code. */
function ofItems<T>(items: readonly T[]): Dataset<T> {
  return new Dataset(arrayNode(items, undefined))
}
