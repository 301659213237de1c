/**
 * The port between a work edge and the places that run its function: threads, processes, other machines.
 */

/** Some neighbouring elements for a stage. */
export interface Job {
  readonly items: readonly unknown[]
  /** Position of `items[0]` in the stage's input. */
  readonly first: number
  /** Stands for (seed, stage, epoch); the worker derives each element's random numbers from it. */
  readonly key: number
  /** Milliseconds for the job; then it has failed with a CallTimeoutError. Only for jobs of one element. */
  readonly timeout?: number | undefined
  /**
   * Asks for results that lie in memory shared with the worker, valid until `release` is called; `'checked'` empties
   * their typed arrays then. Default: results of their own.
   */
  readonly lend?: 'inPlace' | 'checked'
}

/** What came of a job: values for the leading elements, and the error of the one that ended it, if any. */
export interface JobResult {
  readonly values: readonly unknown[]
  /** What the user's function threw on `items[values.length]`; elements behind it were not tried. */
  readonly failed?: { readonly error: unknown }
  /** True when the function drew random numbers. */
  readonly drew?: boolean
  /** Milliseconds of the coordinator's `performance.now()` between which the worker was busy. */
  readonly start: number
  readonly end: number
  /** Which worker did it, such as `thread 1`. */
  readonly lane: string
  /** To be called when values that were lent are not in use any more. */
  readonly release?: () => void
  /** How full the memory was through which values came and went: 1 is full, above 1 they did not fit; 0: not known. */
  readonly filled?: number
  /** What crossed by structured clone, such as `a Map`. */
  readonly cloned?: string
}

/** Workers that hold one stage, for the time of a run. */
export interface WorkPool {
  /** How many jobs can be worked on at once. It may change while workers come and go. */
  readonly width: number
  /**
   * Uses so many workers from now on, of a pool on this machine: starts those that lack, leaves idle those too many.
   * Resolves when they are ready.
   */
  resize?(width: number): Promise<void>
  /** Milliseconds that a job should take, where messages cost more than between threads. */
  readonly jobMs?: number
  /**
   * Never rejects because of an element; rejects when no worker is left, or the pool is closed. When `unwanted` is
   * aborted nobody needs the result any more: it may then reject at once.
   */
  run(job: Job, unwanted?: AbortSignal): Promise<JobResult>
  /** Who works on what, and for how long; undefined when nobody does. */
  waits?(): string | undefined
  /** Lets jobs under way end, then ends the workers. Safe to call twice. */
  close(): Promise<void>
}

/** How the workers of a stage are kept. */
export interface PoolOptions {
  /**
   * True: a worker that dies is replaced, its jobs are done again, and an element that ends each worker it comes to has
   * failed with a WorkerDiedError. False, the default: the pool ends with the first that dies.
   */
  readonly replaces?: boolean
  /** Workers to begin with, where the place leaves their number to the run. */
  readonly workers?: number
}

/** A stage together with the place that runs it; made by `stage.on(place)`. */
export interface PlacedStage {
  /** Name for plans, traces and errors, such as `stages.ts#decode`. */
  readonly address: string
  /** How the place prints, such as `threads(2)`. */
  readonly place: string
  /** True when the place leaves the number of workers to the run. */
  readonly auto?: boolean
  /** What `.with()` bound: part of what the stage computes, so of a checkpoint's fingerprint. */
  readonly config: unknown
  /**
   * Starts workers. Checks the address first, before any worker starts.
   *
   * @throws StageAddressError when the stage cannot be found from a worker.
   */
  open(signal: AbortSignal, how?: PoolOptions): Promise<WorkPool>
}
