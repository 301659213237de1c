import type { PlanNode } from '../plan/node.ts'
import type { Clock } from '../stream/clock.ts'
import type { Meter } from '../stream/operator.ts'
import type { IdleReason } from '../stream/tuning.ts'
import type { Observer } from '../trace/events.ts'
import type { StageCounter } from './metrics.ts'

/** Counts of a run, kept whether or not anybody observes it. */
export interface RunCounts {
  /** Elements that a stage with `onError: 'skip'`, or `ignoreErrors`, left out. */
  skipped: number
  /** Elements that went to the dead letters. */
  dead: number
  /** Calls that failed and were made again. */
  retried: number
  /** Elements whose result was kept from an earlier call. */
  cached: number
}

/** The first calls look at the clock: the very first ones are slower and must not stand for all. */
const FIRST = 16
/** Then one call in so many. Two looks cost as much as half a call that has nothing to wait for. */
const SAMPLE = 16
const QUICK_SAMPLE = 128
/** Milliseconds of a quick call, on average. */
const QUICK_MS = 0.05
/** Of a long one: looking at the clock costs nothing beside it. */
const LONG_MS = 0.2

/** Counts what must never be silent, and times all long calls, and some of the others. */
export class CountingMeter implements Meter {
  readonly shares: boolean = false
  readonly watches: boolean = false
  readonly counts: RunCounts
  readonly #counter: StageCounter
  readonly #clock: Clock
  #first = FIRST
  /** Calls up to the next one that is timed. */
  #untimed = 0

  constructor(counts: RunCounts, counter: StageCounter, clock: Clock) {
    this.counts = counts
    this.#counter = counter
    this.#clock = clock
  }

  now(): number {
    if (this.#untimed-- > 0) return 0
    this.#untimed = this.#gap() - 1
    return this.#clock.now()
  }

  busy(start: number, n: number, _lane?: string, end?: number): void {
    if (start === 0) this.#counter.untimed(n)
    else this.#counter.timed((end ?? this.#clock.now()) - start, n)
  }

  #gap(): number {
    if (this.#first > 0) {
      this.#first--
      return 1
    }
    const ms = this.#counter.meanMs
    if (ms > LONG_MS) return 1
    return ms < QUICK_MS ? QUICK_SAMPLE : SAMPLE
  }

  lanes(count: number): void {
    this.#counter.widened(count)
  }

  laneBegins(): void {
    this.#counter.use?.begins()
  }

  laneRests(why: IdleReason): void {
    this.#counter.use?.rests(why)
  }

  share(_stage: string, start: number, end: number, _n: number): void {
    this.#counter.timed(end - start, 0)
  }

  slow(_node: PlanNode, _ms: number): void {
    // nobody looks
  }

  detour(_why: 'kind' | 'size', _what: string): void {
    // nobody is told
  }

  cached(): void {
    this.counts.cached++
  }

  limited(_start: number, _end: number): void {
    // nobody looks
  }

  retried(_index: number, _attempt: number, _error: unknown, _delay: number): void {
    this.counts.retried++
  }

  skipped(_index: number, _element: unknown, _error: unknown, _stage?: string): void {
    this.counts.skipped++
    this.#counter.skipped++
  }

  dead(_index: number, _element: unknown, _error: unknown, _attempts: number): void {
    this.counts.dead++
    this.#counter.skipped++
  }
}

/** Why the way to workers and back is slow, and what to do. */
const detours = {
  kind: (what: string) =>
    `hands ${what} over by structured clone, which takes the pipeline's thread some microseconds each. Numbers, texts, ` +
    'dates, typed arrays, tensors, and tuples and records of them go through shared memory: make such of it',
  size: (what: string) =>
    `hands over ${what} that is larger than the memory shared with a thread has room for, and copies it once more. ` +
    'Smaller elements, such as single rows or photos instead of batches, go through shared memory',
}

/** What an observing meter reports of. */
export interface Observed {
  readonly node: PlanNode
  /** The way to the node where ids repeat, up to and without its id. */
  readonly way: string
  readonly observe: Observer
  /** Time each operator of a fused segment. */
  readonly shares: boolean
  /** Stages of the run that were warned of being slow. */
  readonly warned: Set<string>
}

/** Reports the work of one operator to an observer. */
export class ObservingMeter extends CountingMeter {
  readonly #to: Observed
  override readonly shares: boolean
  override readonly watches = true
  readonly #clock: Clock

  constructor(counts: RunCounts, counter: StageCounter, clock: Clock, observed: Observed) {
    super(counts, counter, clock)
    this.#to = observed
    this.#clock = clock
    this.shares = observed.shares
  }

  override now(): number {
    return this.#clock.now()
  }

  override busy(
    start: number,
    n: number,
    lane = 'main',
    end = this.#clock.now(),
    first?: number,
  ): void {
    super.busy(start, n, lane, end)
    const from = first === undefined ? {} : { first }
    this.#to.observe({ type: 'slice', stage: this.#to.node.id, lane, start, end, n, ...from })
  }

  override share(stage: string, start: number, end: number, n: number): void {
    super.share(stage, start, end, n)
    this.#to.observe({ type: 'slice', stage, lane: 'main', start, end, n })
  }

  override limited(start: number, end: number): void {
    this.#to.observe({
      type: 'wait',
      stage: this.#to.node.id,
      lane: 'limit',
      reason: 'limit',
      start,
      end,
    })
  }

  override retried(index: number, attempt: number, error: unknown, delay: number): void {
    super.retried(index, attempt, error, delay)
    this.#to.observe({ type: 'retry', stage: this.#to.node.id, index, attempt, error, delay })
  }

  override slow(node: PlanNode, ms: number): void {
    const { way, warned, observe } = this.#to
    const stage = way + node.id
    if (warned.has(stage)) return
    warned.add(stage)
    const at = node.at === undefined ? {} : { at: node.at }
    const message =
      `holds up the pipeline's thread for ${Math.round(ms)} ms an element: timers, signals and all other stages wait. ` +
      'Make its function a stage in a module of its own, stage(import.meta, fn), and place it: .on(threads(n))'
    observe({ type: 'warning', code: 'slow-function', stage, ...at, message })
  }

  override detour(why: 'kind' | 'size', what: string): void {
    const { node, way, warned, observe } = this.#to
    const stage = way + node.id
    const once = `${stage} ${why}`
    if (warned.has(once)) return
    warned.add(once)
    const at = node.at === undefined ? {} : { at: node.at }
    observe({ type: 'warning', code: 'slow-hand-over', stage, ...at, message: detours[why](what) })
  }

  override skipped(
    index: number,
    element: unknown,
    error: unknown,
    stage = this.#to.node.id,
  ): void {
    super.skipped(index, element, error)
    this.#to.observe({ type: 'skip', stage, index, element, error })
  }

  override dead(index: number, element: unknown, error: unknown, attempts: number): void {
    super.dead(index, element, error, attempts)
    this.#to.observe({ type: 'dead', stage: this.#to.node.id, index, element, error, attempts })
  }
}
