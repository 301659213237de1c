import type { Readable } from 'node:stream'
import { checkFunction } from '../operators/check.ts'
import type { PlanNode } from '../plan/node.ts'
import type { Checkpoint } from '../run/checkpoint.ts'
import { explain } from '../run/explain/explain.ts'
import { cardinalityOf } from '../run/explain/facts.ts'
import { type IterateOptions, Iteration, type ReadOptions } from '../run/iteration.ts'
import { ElementSpec } from '../tensor/index.ts'
import { type SaveOptions, savePlan } from './save.ts'
import { nodeStreamOf, type StreamOptions, webStreamOf } from './streams.ts'

/** What can be done with a described pipeline: run it, or ask about it. `Dataset` adds what describes. */
export class Runnable<T> implements AsyncIterable<T> {
  /** The description: frozen data. */
  readonly plan: PlanNode

  /** Use the static methods of `Dataset` to make datasets. @internal */
  constructor(plan: PlanNode) {
    this.plan = plan
  }

  /** One pass, with options, events and checkpoints. `for await` over the dataset is the same without. */
  iterate(options: ReadOptions = {}): Iteration<T> {
    return new Iteration(this.plan, options)
  }

  /**
   * Goes on behind a checkpoint: yields exactly what was not delivered, at any chunk size or parallelism.
   *
   * @throws CheckpointMismatchError when it was taken of another pipeline.
   */
  resume(checkpoint: Checkpoint, options: Omit<ReadOptions, 'seed' | 'epoch'> = {}): Iteration<T> {
    return new Iteration(this.plan, options, checkpoint)
  }

  [Symbol.asyncIterator](): Iteration<T> {
    return this.iterate()
  }

  /** All elements; they must fit in memory. */
  async toArray(options: IterateOptions = {}): Promise<T[]> {
    const all: T[] = []
    for await (const chunk of this.iterate(options).chunks()) for (const x of chunk) all.push(x)
    return all
  }

  /**
   * Writes all elements into a folder, for `Dataset.load`: values of every kind come back as they are. The folder is
   * there when all of them are, not before, also when the process dies. Returns their number.
   *
   * @throws DataError when the folder holds elements already, unless `overwrite` is true, or something else.
   * @throws InvalidArgumentError for instances of classes and functions, which would not come back as they are.
   * @throws StorageError when the folder cannot be written.
   */
  save(folder: string, options: SaveOptions = {}): Promise<number> {
    return savePlan(this.plan, folder, options)
  }

  /** Calls `fn` with one element after the other; waits for promises it returns. */
  async forEach(fn: (x: T) => unknown, options: IterateOptions = {}): Promise<void> {
    for await (const chunk of this.iterate(options).chunks()) {
      for (const x of chunk) {
        const done = fn(x)
        if (done instanceof Promise) await done
      }
    }
  }

  /** Folds all elements into a state, from `init` on. */
  async reduce<S>(init: S, fn: (state: S, x: T) => S, options: IterateOptions = {}): Promise<S> {
    checkFunction('reduce', fn)
    let state = init
    for await (const chunk of this.iterate(options).chunks()) {
      for (const x of chunk) state = fn(state, x)
    }
    return state
  }

  /**
   * A web stream of the elements. They are made as they are read; cancelling it stops the run, and so does the
   * signal of the options.
   */
  toReadableStream(options: IterateOptions & StreamOptions = {}): ReadableStream<T> {
    return webStreamOf(this.iterate(options), options.highWaterMark ?? 1, options.signal)
  }

  /**
   * A Node stream of the elements, in object mode; texts and buffers can be piped into files and sockets. They are
   * made as they are read; destroying it stops the run. It cannot carry `null` and `undefined`.
   */
  toNodeStream(options: IterateOptions & StreamOptions = {}): Readable {
    return nodeStreamOf(this.iterate(options), options.highWaterMark ?? 1, options.signal)
  }

  /** Number of elements: `Infinity` when it never ends, undefined when only running it would tell. */
  cardinality(): number | undefined {
    return cardinalityOf(this.plan)
  }

  /**
   * What the first element is made of: kinds, dtypes, shapes; undefined of an empty dataset. Unlike `element_spec`
   * of tf.data it has to run the pipeline as far as there, and a shape is that of one element: others, such as
   * the last batch, may differ. It does not count as a pass.
   */
  async elementSpec(options: IterateOptions = {}): Promise<ElementSpec | undefined> {
    const run = this.iterate({ epoch: 0, chunk: 1, ...options })
    try {
      const { done, value } = await run.next()
      return done === true ? undefined : ElementSpec.of(value)
    } finally {
      await run.close()
    }
  }

  /** The plan, what runs as one loop, and where. */
  explain(): string {
    return explain(this.plan)
  }
}
