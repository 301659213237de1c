import { InvalidArgumentError } from '../errors/index.ts'
import { checkOptionNames } from '../operators/check.ts'
import { type RetryOptions, type RetrySummary, retryDeadLetters } from '../run/dead/retry.ts'
import { checkedWayOf } from '../run/changes/way.ts'
import { runToSink, type RunSummary, type SinkRunOptions } from '../run/sink-run.ts'
import type { Costs } from '../stream/budget.ts'
import type { Sink } from '../stream/sink.ts'
import { describe } from '../tensor/index.ts'
import type { Dataset } from './dataset.ts'

/** How a dataset is written. */
export type WriteOptions = Pick<SinkRunOptions, 'state' | 'every' | 'budget' | 'cache'>

/** How dead letters are tried again. */
export type RetryDeadOptions = Omit<RetryOptions, 'state' | 'signal'> &
  Pick<SinkRunOptions, 'state' | 'signal'>

const writeNames: Readonly<Record<keyof WriteOptions, true>> = {
  state: true,
  every: true,
  budget: true,
  cache: true,
}

const runNames: Readonly<Record<keyof SinkRunOptions, true>> = {
  ...writeNames,
  seed: true,
  epoch: true,
  signal: true,
  observe: true,
  trace: true,
  optimize: true,
  chunk: true,
  autotune: true,
  stall: true,
  codegen: true,
  deadLetters: true,
  clock: true,
  restart: true,
  maxTime: true,
  explain: true,
}

/**
 * A dataset and the sink it is written to: a whole pipeline, described and not yet run. `millstream run FILE` runs the
 * one that FILE exports by default.
 *
 * ```ts no-run
 * const pipeline = Dataset.range(3).map((id) => ({ id })).write(to.jsonl('out.jsonl'))
 * const { delivered } = await pipeline.run({ state: '.millstream/out' })
 * ```
 */
export class Pipeline<T> {
  readonly dataset: Dataset<T>
  /** It takes `T`; said as `never`, or no dataset of dogs would be one of animals. */
  readonly sink: Sink<never>
  /** Defaults of `run`. */
  readonly options: WriteOptions

  /** Made by `dataset.write(sink)`. @internal */
  constructor(dataset: Dataset<T>, sink: Sink<T>, options: WriteOptions) {
    if (typeof sink !== 'object' || sink === null || typeof sink.open !== 'function') {
      throw new InvalidArgumentError(
        `write takes a sink, such as to.jsonl('out.jsonl'), not ${describe(sink)}`,
      )
    }
    if (checkedWayOf(dataset.plan) === undefined && sink.prunes === true) {
      throw new InvalidArgumentError(
        `${sink.name}: prune removes what onlyChanged does not find any more; put .onlyChanged({ key }) into the pipeline`,
      )
    }
    checkOptionNames('write', options, writeNames)
    this.dataset = dataset
    this.sink = sink
    this.options = options
  }

  /**
   * The same with what the calls of one run may cost, by meter: `{ usd: 25 }`. A run that has used it up keeps what it
   * paid for and fails with a BudgetError (exit code 3); the next run goes on there, with a budget of its own.
   */
  budget(budget: Costs): Pipeline<T> {
    return new Pipeline(this.dataset, this.sink as Sink<T>, { ...this.options, budget })
  }

  /**
   * Runs it. With a state folder it goes on where the last process stopped, however that ended, and does nothing when
   * it is done.
   *
   * @throws LockedError when another process runs it.
   * @throws CheckpointMismatchError when the folder holds the state of another pipeline.
   * @throws StageError and others when the pipeline or the sink fails; what was written before is kept.
   */
  run(options: SinkRunOptions = {}): Promise<RunSummary> {
    checkOptionNames('run', options, runNames)
    return runToSink(this.dataset.plan, this.sink as Sink<T>, { ...this.options, ...options })
  }

  /**
   * Tries the dead letters of a finished run again: exactly these elements, through the stage that gave them up and all
   * behind it. What comes out goes into the sink, in a file behind its end; what fails again stays a dead letter. The
   * way there must not have changed, only what its functions do.
   *
   * @throws DataError when the state folder holds no run, or one that is not finished.
   * @throws LockedError when another process runs it.
   */
  retryDead(options: RetryDeadOptions = {}): Promise<RetrySummary> {
    const state = options.state ?? this.options.state
    if (state === undefined) {
      throw new InvalidArgumentError('retryDead needs the state folder of the run: { state: DIR }')
    }
    const { signal = new AbortController().signal } = options
    const { plan } = this.dataset
    return retryDeadLetters(plan, this.sink as Sink<T>, { ...options, state, signal })
  }

  /** Number of elements: `Infinity` when it never ends, undefined when only running it would tell. */
  cardinality(): number | undefined {
    return this.dataset.cardinality()
  }

  /** The plan, what runs as one loop, and where; and the sink. */
  explain(): string {
    return `${this.dataset.explain().trimEnd()}\nwritten to: ${this.sink.name}\n`
  }
}
