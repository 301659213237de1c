import type { PlanNode } from '../plan/node.ts'
import type { Meter } from '../stream/operator.ts'
import type { Observer } from '../trace/events.ts'

/** Counts of a run, kept whether or not anybody observes it. */
export interface RunCounts {
  /** Elements that a stage with `onError: 'skip'`, or `ignoreErrors`, left out. */
  skipped: number
  /** Elements that went to the dead letters. */
  dead: number
}

/** Counts what must never be silent, and measures nothing. */
export class CountingMeter implements Meter {
  readonly shares: boolean = false
  readonly counts: RunCounts

  constructor(counts: RunCounts) {
    this.counts = counts
  }

  now(): number {
    return 0
  }

  busy(): void {
    // nobody looks
  }

  share(): void {
    // nobody looks
  }

  skipped(_index: number, _element: unknown, _error: unknown, _stage?: string): void {
    this.counts.skipped++
  }

  dead(_index: number, _element: unknown, _error: unknown, _attempts: number): void {
    this.counts.dead++
  }
}

/** Reports the work of one operator to an observer. */
export class ObservingMeter extends CountingMeter {
  readonly #node: PlanNode
  readonly #observe: Observer
  override readonly shares: boolean

  constructor(node: PlanNode, counts: RunCounts, observe: Observer, shares: boolean) {
    super(counts)
    this.#node = node
    this.#observe = observe
    this.shares = shares
  }

  override now(): number {
    return performance.now()
  }

  override busy(start = 0, n = 0, lane = 'main', end = performance.now()): void {
    this.#observe({ type: 'slice', stage: this.#node.id, lane, start, end, n })
  }

  override share(stage = this.#node.id, start = 0, end = 0, n = 0): void {
    this.#observe({ type: 'slice', stage, lane: 'main', start, end, n })
  }

  override skipped(index: number, element: unknown, error: unknown, stage = this.#node.id): void {
    super.skipped(index, element, error)
    this.#observe({ type: 'skip', stage, index, element, error })
  }

  override dead(index: number, element: unknown, error: unknown, attempts: number): void {
    super.dead(index, element, error, attempts)
    this.#observe({ type: 'dead', stage: this.#node.id, index, element, error, attempts })
  }
}
