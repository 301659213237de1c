import { setMaxListeners } from 'node:events'
import { ClosedError, InvalidArgumentError, StalledError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import { REWRITING } from '../rewrite/rewrite.ts'
import { Budget, type Costs } from '../stream/budget.ts'
import type { CallStore } from '../stream/call-store.ts'
import { type Clock, systemClock } from '../stream/clock.ts'
import { type DeadLetter, type DeadLetters, MemoryDeadLetters } from '../stream/dead-letter.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Operator, Token } from '../stream/operator.ts'
import { plain } from '../stream/token.ts'
import { Fairness } from './fairness.ts'
import type { Observer } from '../trace/events.ts'
import { openingOf, type Opening } from '../trace/openings.ts'
import { adviceOn, adviceOnResume } from './advice/advice.ts'
import { explain } from './explain/explain.ts'
import type { InPlace } from './loans.ts'
import { outputsOf, verdict } from './explain/measured.ts'
import { Facts } from './explain/facts.ts'
import type { Pass } from './changes/pass.ts'
import { readingPass } from './changes/reading.ts'
import { closeAll } from './close-all.ts'
import { type Checkpoint, checkCheckpoint, makeCheckpoint, whyNotResumable } from './checkpoint.ts'
import { StoreOnDemand } from './call-log.ts'
import { codegenAllowed } from './codegen.ts'
import type { RunCounts } from './meter.ts'
import { Metrics, type StageMetrics } from './metrics.ts'
import { openPlan, type Run, toRun } from './open.ts'
import { Stopwatch } from './stopwatch.ts'
import { type AutotuneOptions, memoryOf, tunerOf } from './tune/autotune.ts'
import { type StallOptions, Watchdog } from './watchdog.ts'

/** How to run a dataset. None of these but `seed` and `epoch` changes a result. */
export interface IterateOptions {
  /** Seeds all chance of the run: a whole number. Default 0. */
  readonly seed?: number
  /** Number of this pass, for shuffles that reshuffle. Default: counts the dataset's iterations, from 0. */
  readonly epoch?: number
  /** Stops the run; the iteration rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Receives what the run tells about itself. */
  readonly observe?: Observer
  /** Reports each operator of a fused segment apart; slower. Default false. */
  readonly trace?: boolean
  /** False runs the plan as it was written. A resumed run does what the one before did. Default true. */
  readonly optimize?: boolean
  /** Elements in a chunk. Default: adapts to time and bytes. */
  readonly chunk?: number
  /** False runs without generated code. Default: true where the process allows it. */
  readonly codegen?: boolean
  /** Where elements go that a stage with `onError: 'deadLetter'` gave up. Default: `iteration.deadLetters`. */
  readonly deadLetters?: DeadLetters
  /** What the calls of this pass may spend, by meter: `{ usd: 25 }`. Going over it ends it with a BudgetError. */
  readonly budget?: Costs
  /**
   * Where results of stages with `cache` are kept: a folder, or a store. Default: `MILLSTREAM_CACHE` of the
   * environment, else `.millstream/cache` in the working directory.
   */
  readonly cache?: string | CallStore
  /**
   * The state folder of the runs that `onlyChanged` compares with; it is read and stays as it is. Runs into a sink keep
   * theirs in it.
   */
  readonly state?: string
  /** What the run sets itself while it goes on, and within which bounds. `false` leaves all where it starts. */
  readonly autotune?: AutotuneOptions | false
  /** What happens when nothing comes out of any operator for long: a warning after a minute, and an error if told. */
  readonly stall?: StallOptions
  /** The time by which calls wait for limits and retries. Default: the machine's; for tests. */
  readonly clock?: Clock
}

/** How to read a dataset element by element, or chunk by chunk. */
export interface ReadOptions extends IterateOptions {
  /**
   * True spares copies: typed arrays, buffers and tensors that come from a stage on threads lie in memory shared with
   * them, and are valid until the next element is asked for, or the next of `chunks()`; in functions between the stage
   * and a `batch`, until the batch is made. They must not be kept, nor handed to what works on while the loop goes on.
   * `'checked'` empties them then, so that a late look at one throws or finds no elements. Default false: arrays of
   * their own, spared only where a `batch` follows the stage.
   */
  readonly inPlace?: InPlace
}

/** What runs with a sink add. */
export interface InnerOptions extends ReadOptions {
  /** Keeps results of calls until they are committed. */
  readonly keptCalls?: (() => Promise<CallStore>) | undefined
  /** What `onlyChanged` compares with, and where its notes go. */
  readonly changes?: Pass | undefined
}

const DONE: IteratorResult<never> = { done: true, value: undefined }

const passes = new WeakMap<PlanNode, number>()

/**
 * One pass over a dataset. Elements are read by `for await`, or by chunks where each is cheap. It closes
 * itself at the end, on an error, and when the loop is left.
 */
export class Iteration<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #root: PlanNode
  readonly #run: Run
  readonly #stopwatch: Stopwatch
  /** True when it goes on behind a checkpoint. */
  readonly #resumed: boolean
  readonly #letters = new MemoryDeadLetters()
  readonly #calls = new StoreOnDemand()
  readonly #epoch: number
  readonly #operator: Operator<T>
  readonly #watchdog: Watchdog
  readonly #inlet: Inlet<T>
  readonly #control = new AbortController()
  readonly #outer: AbortSignal | undefined
  readonly #onAbort = (): void => this.#stop(this.#outer?.reason)
  /** State to report when the run is over: before the pull that failed, or where the reader left. */
  #failedAt: Token | undefined
  #flight: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined
  #released: Promise<void> | undefined
  #started = false
  readonly #opening: Opening | undefined
  /** True when the reader closed it. */
  #left = false

  constructor(root: PlanNode, options: InnerOptions, checkpoint?: Checkpoint) {
    if (checkpoint !== undefined) checkCheckpoint(root, checkpoint)
    this.#root = root
    this.#stopwatch = new Stopwatch(options.clock ?? systemClock)
    this.#opening = openingOf('iteration', root)
    this.#resumed = checkpoint !== undefined
    setMaxListeners(0, this.#control.signal) // every call under way may listen
    this.#outer = options.signal
    this.#epoch = checkpoint?.epoch ?? options.epoch ?? nextPass(root)
    const rewriting = options.optimize === false ? 0 : REWRITING
    this.#run = this.#makeRun(options, {
      seed: checkpoint?.seed ?? options.seed ?? 0,
      rewriting: checkpoint === undefined ? rewriting : (checkpoint.rewriting ?? 0),
    })
    const from = checkpoint?.state
    const guard = openPlan(root, this.#run, this.#epoch, Inlet.upstreamOf(from))
    this.#operator = guard as Operator<T>
    this.#watchdog = new Watchdog(options.stall, {
      progress: () => this.#run.metrics.progress,
      holdups: () => guard.holdups(),
      observe: options.observe,
    })
    this.#inlet = new Inlet(this.#operator, from)
  }

  /** Elements delivered so far, those before a resumed checkpoint included. */
  get delivered(): number {
    return this.#inlet.ordinal
  }

  /** Elements that failed and were left out by policy. */
  get skipped(): number {
    return this.#run.counts.skipped
  }

  /** Calls that failed and were made again. */
  get retried(): number {
    return this.#run.counts.retried
  }

  /** Elements whose result was kept from an earlier call. */
  get cached(): number {
    return this.#run.counts.cached
  }

  /** What calls have cost so far, by meter, and their number as `requests`; of stages with a policy for calls. */
  get spent(): Costs {
    return this.#run.budget.spent
  }

  /** Elements that went to the dead letters. */
  get dead(): number {
    return this.#run.counts.dead
  }

  /** The dead letters of this iteration; empty when it was given another place for them. */
  get deadLetters(): readonly DeadLetter[] {
    return this.#letters.all
  }

  /** What each stage did so far: counts are exact, times are good to some percent. In the order of the plan. */
  metrics(): readonly StageMetrics[] {
    return this.#run.metrics.list(toRun(this.#root, this.#run))
  }

  /** Which stage is slowest, and what to do about it, in a line; undefined when none worked yet. */
  slowest(): string | undefined {
    return verdict({ stages: this.metrics(), timing: this.#stopwatch.timing })
  }

  /** The plan, with what this run found out: numbers and sizes of elements, who was busy and who is slowest. */
  explain(): string {
    const plan = toRun(this.#root, this.#run)
    const outputs = outputsOf(this.#run.metrics)
    const measured = { stages: this.metrics(), outputs, timing: this.#stopwatch.timing }
    return explain(this.#root, { plan, measured, tuner: this.#run.tuner })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  // Written by hand over chunks: an async generator costs twice as much an element.
  next(): Promise<IteratorResult<T, undefined>> {
    const inlet = this.#inlet
    if (inlet.i < inlet.n && this.#closing === undefined) {
      return Promise.resolve({ done: false, value: inlet.xs[inlet.i++] as T })
    }
    return this.#queued(() => this.#nextSlow())
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close()
    return DONE
  }

  /** The elements by chunks, the cheap way out for small ones. */
  async *chunks(): AsyncGenerator<readonly T[], undefined> {
    let failed = false
    try {
      while (await this.#queued(() => this.#fill())) {
        const { xs, i, n } = this.#inlet
        this.#inlet.i = n
        yield i === 0 ? xs : xs.slice(i)
      }
    } catch (error) {
      failed = true
      throw error
    } finally {
      await this.close().catch((error: unknown) => {
        if (!failed) throw error // what failed first counts more
      })
    }
  }

  /** At most `max` elements, or null at the end; after it the iteration is closed. @internal */
  read(max: number): Promise<readonly T[] | null> {
    return this.#queued(async () => {
      if (!(await this.#fill())) return null
      const { xs, i, n } = this.#inlet
      const end = Math.min(n, i + max)
      this.#inlet.i = end
      return i === 0 && end === xs.length ? xs : xs.slice(i, end)
    })
  }

  /**
   * The position behind the last element delivered. `dataset.resume` of it yields exactly the rest; after an
   * error it begins with the element that failed.
   *
   * @throws NotResumableError when a source cannot start in the middle.
   */
  checkpoint(): Checkpoint {
    return this.mark()()
  }

  /** The position now, cheap to have; calling it writes it out. @internal */
  mark(): () => Checkpoint {
    const token = this.#failedAt ?? this.#inlet.tok()
    return () => {
      const { notResumable, seed, rewriting } = this.#run
      if (notResumable !== undefined) throw notResumable
      return makeCheckpoint(this.#root, seed, this.#epoch, rewriting, plain(token))
    }
  }

  /** Stops: what is under way settles, everything opened is closed. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #makeRun(options: InnerOptions, { seed, rewriting }: Pick<Run, 'seed' | 'rewriting'>): Run {
    if (!Number.isSafeInteger(seed))
      throw new InvalidArgumentError(`seed must be a whole number, not ${seed}`)
    const counts: RunCounts = { skipped: 0, dead: 0, retried: 0, cached: 0 }
    return {
      seed,
      rewriting,
      counts,
      metrics: new Metrics(),
      tuner: tunerOf(options, () => this.#stopwatch.waitedMs),
      warned: new Set(),
      clock: options.clock ?? systemClock,
      budget: new Budget(options.budget ?? {}),
      memory: memoryOf(options),
      callStore: () => this.#calls.open(options.cache),
      keptCalls: options.keptCalls,
      changes: options.changes ?? changesOf(this.#root, options.state),
      deadLetters: options.deadLetters ?? this.#letters,
      fairness: new Fairness(),
      signal: this.#control.signal,
      observe: options.observe,
      shares: options.trace === true && options.observe !== undefined,
      codegen: options.codegen !== false && codegenAllowed(),
      inPlace: options.inPlace ?? false,
      chunk: options.chunk,
      notResumable: whyNotResumable(this.#root),
    }
  }

  #queued<R>(step: () => Promise<R>): Promise<R> {
    const result = this.#flight.then(step)
    this.#flight = result.catch(() => undefined) // its caller has the error; this only waits for it
    return result
  }

  async #nextSlow(): Promise<IteratorResult<T, undefined>> {
    if (!(await this.#fill())) return DONE
    return { done: false, value: this.#inlet.xs[this.#inlet.i++] as T }
  }

  async #fill(): Promise<boolean> {
    const first = !this.#started
    if (first) this.#start()
    if (this.#closing !== undefined) return false
    const before = this.#inlet.tok()
    this.#stopwatch.wait()
    try {
      if (first) this.#warn()
      const more = await this.#watchdog.watch(this.#inlet.fill())
      this.#outer?.throwIfAborted()
      if (!more) await this.#release()
      return more
    } catch (error) {
      this.#failedAt ??= before
      // What hangs need not let itself be closed: it is asked to, and not waited for.
      if (error instanceof StalledError) {
        void this.#release().catch(() => undefined)
        throw error
      }
      await this.#release().catch(() => undefined) // what ended it counts more; `close` tells the rest
      this.#outer?.throwIfAborted() // the reason counts, not what broke because of it
      if (this.#left) return false
      throw error
    } finally {
      this.#stopwatch.goOn()
    }
  }

  #start(): void {
    this.#started = true
    if (this.#closing !== undefined)
      throw new ClosedError('this iteration was closed before it began')
    this.#outer?.throwIfAborted()
    this.#outer?.addEventListener('abort', this.#onAbort, { once: true })
    this.#opening?.begun()
  }

  #warn(): void {
    const { observe } = this.#run
    if (observe === undefined) return
    const facts = new Facts(this.#root)
    const warnings = [...adviceOn(facts), ...(this.#resumed ? adviceOnResume(facts) : [])]
    for (const warning of warnings) observe({ type: 'warning', ...warning })
  }

  #stop(reason: unknown): void {
    this.#control.abort(reason)
    this.#operator.stop()
  }

  async #close(): Promise<void> {
    this.#left = true
    this.#failedAt ??= this.#inlet.tok() // stopping moves what was read and not handed out
    this.#stop(new ClosedError('the iteration was closed'))
    await this.#flight
    await this.#release()
  }

  #release(): Promise<void> {
    if (this.#released === undefined) {
      this.#released = this.#releaseOnce()
      this.#closing ??= this.#released
    }
    return this.#released
  }

  async #releaseOnce(): Promise<void> {
    this.#opening?.closing()
    this.#outer?.removeEventListener('abort', this.#onAbort)
    if (!this.#control.signal.aborted) this.#control.abort(new ClosedError('the iteration is over'))
    try {
      await closeAll([() => this.#operator.close(), () => this.#calls.close()])
    } finally {
      this.#opening?.closed()
    }
  }
}

/** What `onlyChanged` compares with outside of runs into sinks. */
function changesOf(root: PlanNode, state: string | undefined): Pass | undefined {
  return state === undefined ? undefined : readingPass(root, state)
}

function nextPass(root: PlanNode): number {
  const pass = passes.get(root) ?? 0
  passes.set(root, pass + 1)
  return pass
}
