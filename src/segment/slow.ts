import { SLOW_MS } from '../stream/clock.ts'
import type { Meter } from '../stream/operator.ts'
import type { SegmentPlan } from './cut.ts'
import { interpret } from './interpret.ts'
import type { Loop, LoopEnv, LoopState } from './loop.ts'
import { OperatorClock } from './shares.ts'

/**
 * Finds the function that holds up the thread. A segment is timed as a whole; when a few elements took long, the
 * next ones are run by a loop that times each operator, which makes no difference then. So a function is named when
 * it was slow twice: once may be the collector, or a busy machine.
 */
export class SlowWatch {
  readonly #plan: SegmentPlan
  readonly #meter: Meter
  readonly #clock: OperatorClock
  readonly #env: LoopEnv
  /** Made when it is first needed: most runs have nothing slow in them. */
  #timing: Loop | undefined
  #suspects = false
  #timed = false

  constructor(plan: SegmentPlan, env: LoopEnv, meter: Meter) {
    this.#plan = plan
    this.#meter = meter
    this.#clock = new OperatorClock(plan.ops.length)
    this.#env = env
  }

  /** The loop for the next run. Half a batch in columns is for the usual one only. */
  loop(usual: Loop, r: LoopState): Loop {
    this.#timed = this.#suspects && r.rows === 0
    if (!this.#timed) return usual
    this.#clock.begin()
    this.#timing ??= interpret(this.#plan, this.#env, this.#clock.onOperator)
    return this.#timing
  }

  /** A run of the loop took `ms`. */
  note(ms: number): void {
    if (this.#timed) {
      this.#plan.ops.forEach(({ node }, k) => {
        const longest = this.#clock.longest[k] ?? 0
        if (longest > SLOW_MS) this.#meter.slow(node, longest)
      })
    }
    this.#suspects = ms > SLOW_MS
  }
}
