import type { Meter } from '../stream/operator.ts'
import type { SegmentPlan } from './cut.ts'
import type { OnOperator } from './interpret.ts'

/**
 * Each operator's own time within the chunks of a fused segment. Within a chunk the operators take turns
 * element by element, so their shares are reported one after another, in order, over the chunk's time.
 */
export class ShareClock {
  readonly #plan: SegmentPlan
  readonly #meter: Meter
  readonly #own: Float64Array
  #op = -1
  #since = 0
  #start = 0

  readonly onOperator: OnOperator = (op) => {
    const now = performance.now()
    if (this.#op >= 0) this.#own[this.#op] = (this.#own[this.#op] ?? 0) + now - this.#since
    this.#op = op
    this.#since = now
  }

  constructor(plan: SegmentPlan, meter: Meter) {
    this.#plan = plan
    this.#meter = meter
    this.#own = new Float64Array(plan.ops.length)
  }

  begin(): void {
    this.#own.fill(0)
    this.#op = -1
    this.#start = performance.now()
  }

  /** `n` elements came out. */
  end(n: number): void {
    let at = this.#start
    this.#plan.ops.forEach(({ node }, k) => {
      const own = this.#own[k] ?? 0
      this.#meter.share(node.id, at, at + own, n)
      at += own
    })
  }
}
