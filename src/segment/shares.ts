import type { Meter } from '../stream/operator.ts'
import type { SegmentPlan } from './cut.ts'
import type { OnOperator } from './interpret.ts'

/** Each operator's own time since `begin`. */
export class OperatorClock {
  readonly own: Float64Array
  /** The longest that an operator worked in one go: on one element, as far as it is its own. */
  readonly longest: Float64Array
  #op = -1
  #since = 0

  readonly onOperator: OnOperator = (op) => {
    const now = performance.now()
    if (this.#op >= 0) {
      const ms = now - this.#since
      this.own[this.#op] = (this.own[this.#op] ?? 0) + ms
      if (ms > (this.longest[this.#op] ?? 0)) this.longest[this.#op] = ms
    }
    this.#op = op
    this.#since = now
  }

  constructor(operators: number) {
    this.own = new Float64Array(operators)
    this.longest = new Float64Array(operators)
  }

  begin(): void {
    this.own.fill(0)
    this.longest.fill(0)
    this.#op = -1
  }
}

/**
 * Reports each operator's own time within the chunks of a fused segment. Within a chunk the operators take turns
 * element by element, so their shares are reported one after another, in order, over the chunk's time.
 */
export class ShareClock {
  readonly #plan: SegmentPlan
  readonly #meter: Meter
  readonly #clock: OperatorClock
  #start = 0

  constructor(plan: SegmentPlan, meter: Meter) {
    this.#plan = plan
    this.#meter = meter
    this.#clock = new OperatorClock(plan.ops.length)
  }

  get onOperator(): OnOperator {
    return this.#clock.onOperator
  }

  begin(): void {
    this.#clock.begin()
    this.#start = performance.now()
  }

  /** `n` elements came out. */
  end(n: number): void {
    let at = this.#start
    this.#plan.ops.forEach(({ node }, k) => {
      const own = this.#clock.own[k] ?? 0
      this.#meter.share(node.id, at, at + own, n)
      at += own
    })
  }
}
