import type { Readable } from 'node:stream'
import type { LabeledFile } from '../sources/files.ts'
import type { Json } from '../stream/operator.ts'
import type { Unbatch } from '../tensor/index.ts'
import { callSite } from './call-site.ts'
// The two files need each other, but nothing here needs it before the first call.
import { Dataset } from './dataset.ts'
import { chooseNode, type ChooseOptions, sampleNode, type SampleOptions } from './directed.ts'
import { jsonlNode, type JsonlOptions, linesNode } from './lines.ts'
import { Runnable } from './runnable.ts'
import { loadNode } from './save.ts'
import {
  type CursorOptions,
  arrayNode,
  counterNode,
  generatorNode,
  iterableNode,
  labeledFilesNode,
  type ListFilesOptions,
  listFilesNode,
  pagesNode,
  type PagesOptions,
  randomNode,
  type RandomOptions,
  rangeNode,
  slicesNode,
} from './sources.ts'
import type { Widened } from './widened.ts'
import { type ZipInput, type Zipped, zipNode } from './zip.ts'

/** Where pipelines begin: the static methods of `Dataset`. */
export class Sourced<T> extends Runnable<T> {
  /**
   * Numbers from `start` (default 0) up to and without `stop`, by `step` (default 1).
   *
   * @throws InvalidArgumentError when `step` is 0.
   */
  static range(stop: number): Dataset<number>
  static range(start: number, stop: number, step?: number): Dataset<number>
  static range(a: number, b?: number, step = 1): Dataset<number> {
    return new Dataset(rangeNode(b === undefined ? 0 : a, b ?? a, step, callSite()))
  }

  /**
   * Numbers from `start` (default 0) on, by `step` (default 1), without end.
   *
   * ```ts
   * Dataset.counter(10, 5).take(3) // => 10, 15, 20
   * ```
   */
  static counter(start = 0, step = 1): Dataset<number> {
    return new Dataset(counterNode(start, step, callSite()))
  }

  /**
   * Random whole numbers from 0 up to and without 2^32, without end: `take` as many as are needed. They follow
   * from the seeds alone, and each epoch gets the same unless `rerandomizeEachIteration` is true.
   */
  static random(options: RandomOptions = {}): Dataset<number> {
    return new Dataset(randomNode(options, callSite()))
  }

  /** The items of an array. It is not copied: don't change it while it is read. */
  static fromArray<T>(items: readonly T[]): Dataset<T> {
    return new Dataset(arrayNode(items, callSite()))
  }

  /**
   * The rows of columns of equal length: typed arrays, `Tensor`s and `Column`s, also within tuples and records.
   *
   * @throws InvalidArgumentError when the columns differ in length.
   */
  static fromTensorSlices<C>(columns: C): Dataset<Unbatch<C>> {
    return new Dataset(slicesNode(columns, callSite()))
  }

  /** One element: `value` as it is. */
  static fromTensors<T>(value: T): Dataset<T> {
    return new Dataset(arrayNode([value], callSite()))
  }

  /**
   * What an iterable yields. `make` is called anew for each epoch and iteration and must yield the same each
   * time; its signal is aborted when the run stops. Resuming runs it again and drops what was delivered.
   *
   * With `cursor`, which tells an element's place, resuming calls `make` with the last one instead, to go on
   * behind it: `from` is `start` the first time. A cursor is a JSON value; elements without one (undefined) are
   * read again from the last that has one.
   *
   * ```ts no-run
   * Dataset.fromGenerator((signal, from) => rowsAfter(from, signal), { start: 0, cursor: (row) => row.id })
   * ```
   */
  static fromGenerator<T>(make: (signal: AbortSignal) => Iterable<T> | AsyncIterable<T>): Dataset<T>
  static fromGenerator<T, C extends NonNullable<Json>>(
    make: (signal: AbortSignal, from: Widened<C>) => Iterable<T> | AsyncIterable<T>,
    options: CursorOptions<T, C>,
  ): Dataset<T>
  static fromGenerator<T>(
    make: (signal: AbortSignal, from: never) => Iterable<T> | AsyncIterable<T>,
    options?: CursorOptions<T, NonNullable<Json>>,
  ): Dataset<T> {
    return new Dataset(generatorNode(make, options, callSite()))
  }

  /**
   * The items of a paged API: `read` gets the cursor of a page, first `start`, and returns its items and the
   * cursor of the next page; without `next` it was the last. Resuming reads the page that was being delivered.
   * A page is asked for when the one before was taken; with `limit`, `retry` and `timeout` as `map` makes its calls.
   *
   * ```ts no-run
   * Dataset.fromPages({ start: '', read: (cursor, signal) => listInvoices({ cursor, signal }), retry: 5 })
   * ```
   *
   * @throws StageError on iteration when `read` fails, or a page names itself as the next one.
   */
  static fromPages<T, C extends NonNullable<Json>>(options: PagesOptions<T, C>): Dataset<T> {
    return new Dataset(pagesNode(options, callSite()))
  }

  /**
   * What an iterable yields: an array, a generator, a web stream or a Node stream. Streams and iterators can be
   * read only once, and not be resumed; they are closed when the run ends, however it does. A Node stream gives
   * its chunks: `Buffer`s, or what you say, as in `Dataset.from<Row>(stream)` for one in object mode.
   */
  static from<T = Buffer>(stream: Readable): Dataset<T>
  static from<T>(iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>): Dataset<T>
  static from<T>(iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>): Dataset<T> {
    return new Dataset(iterableNode(iterable, callSite()))
  }

  /**
   * Paths of files: a file itself, those in a folder and below, or those that match a pattern with `*`, `**`, `?` and `{a,b}`, or
   * of several of both, each file once. Hidden files and folders are left out. They come sorted, the same on each
   * machine, unless `shuffle` is true.
   *
   * @throws DataError on iteration when a folder cannot be read, or when there is no such file.
   */
  static listFiles(
    patterns: string | readonly string[],
    options: ListFilesOptions = {},
  ): Dataset<string> {
    return new Dataset(listFilesNode(patterns, options, callSite()))
  }

  /**
   * Lines of text files, without their ends: of one file, or of all that `listFiles` finds by the patterns, one behind
   * the other. Files whose names end in `.gz` are unpacked. A resume goes on near the line, except in those.
   *
   * @throws DataError on iteration when there is no such file, or one cannot be read.
   */
  static lines(patterns: string | readonly string[]): Dataset<string> {
    return new Dataset(linesNode(patterns, (node) => new Dataset(node), callSite()))
  }

  /**
   * Values of files of JSON lines, found and read as by `lines`; empty lines are left out. What they are is yours to
   * say, `Dataset.jsonl<Case>('cases.jsonl')`, or better to check: `Dataset.jsonl('cases.jsonl').validate(Case)`.
   *
   * @throws StageError on iteration for a line that is no JSON, with file and line; with `onError: 'skip'` or
   *   `'deadLetter'` it is left out and counted instead.
   */
  static jsonl<T = unknown>(
    patterns: string | readonly string[],
    options: JsonlOptions = {},
  ): Dataset<T> {
    return new Dataset(jsonlNode(patterns, options, (node) => new Dataset(node), callSite()))
  }

  /** Files in class folders, sorted: `photos/cat/1.jpg` has the class name `cat`. */
  static labeledFiles(folder: string): Dataset<LabeledFile> {
    return new Dataset(labeledFilesNode(folder, callSite()))
  }

  /**
   * The elements that `save` or `cache(folder)` wrote: `Dataset.load<Photo>('photos')`. They are read as they are
   * asked for, by position, so `shuffle('global')`, `skip`, `take` and `shard` next to it leave the rest unread.
   *
   * @throws DataError when the folder holds none; on iteration when its files are damaged, naming file and byte.
   */
  static load<T = unknown>(folder: string): Dataset<T> {
    return new Dataset(loadNode(folder, callSite()))
  }

  /**
   * Elements of several datasets side by side, in a tuple or record of the same structure; structures may nest.
   * Ends with the shortest.
   */
  static zip<const S extends ZipInput>(structure: S): Dataset<Zipped<S>> {
    return new Dataset(zipNode(structure, callSite()))
  }

  /**
   * Elements of several datasets, each of one that is drawn, in proportion to `weights`. The draws follow from the
   * seeds and their number alone; exhausted datasets leave their share to the others.
   */
  static sampleFromDatasets<const D extends readonly Dataset<unknown>[]>(
    datasets: D,
    options: SampleOptions = {},
  ): Dataset<ElementOf<D[number]>> {
    return new Dataset(sampleNode(datasets, options, callSite()))
  }

  /**
   * Elements of several datasets, each of the one whose number, from 0, `choice` gives. Ends with the choices, or
   * where the chosen dataset is exhausted.
   *
   * @throws InvalidArgumentError on iteration when a choice is the number of no dataset.
   */
  static chooseFromDatasets<const D extends readonly Dataset<unknown>[]>(
    datasets: D,
    choice: Dataset<number>,
    options: ChooseOptions = {},
  ): Dataset<ElementOf<D[number]>> {
    return new Dataset(chooseNode(datasets, choice, options, callSite()))
  }
}

/** The element type of one of several datasets. */
type ElementOf<D> = D extends Dataset<infer T> ? T : never
