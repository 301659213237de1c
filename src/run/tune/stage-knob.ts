import type { Knob, KnobRange } from '../../stream/tuning.ts'
import type { StageCounter } from '../metrics.ts'
import { BufferSize, type Seen } from './buffer.ts'
import { LaneUse } from './lane-use.ts'
import { type Load, rateOf } from './model.ts'

/** Counts at one moment. */
interface Sums {
  /** Elements that were timed, and their milliseconds. */
  readonly timed: number
  readonly ms: number
  readonly squares: number
  readonly done: number
  readonly busy: number
}

/** The knob of one stage, and what the stage did since it was last asked. */
export class StageKnob implements Knob {
  readonly stage: string
  readonly range: KnobRange
  /** Rate of its stage that it cannot exceed, where more lanes brought nothing. */
  ceiling: number | undefined
  readonly buffer = new BufferSize()
  #met = { empty: 0, full: 0 }
  readonly #counter: StageCounter
  readonly #use: LaneUse
  #value: number
  #from: Sums
  #because: string
  #rejected: string | undefined
  #chunks = 0
  #awaited = 0

  constructor(
    stage: string,
    counter: StageCounter,
    { range, now }: { readonly range: KnobRange; readonly now: () => number },
  ) {
    this.stage = stage
    this.range = range
    this.#value = range.start
    this.#because = this.isPinned ? 'given' : 'where it starts'
    this.#counter = counter
    this.#use = new LaneUse(now, () => this.#value)
    if (!this.isBuffer) counter.tuned(this.#use)
    this.#from = this.#sums()
  }

  get value(): number {
    return this.#value
  }

  get isPinned(): boolean {
    return this.range.least === this.range.most
  }

  /** Why it has its value, in words. */
  get why(): string {
    return [this.#because, ...(this.#rejected === undefined ? [] : [this.#rejected])].join('; ')
  }

  /** What became of a change. */
  note(reason: string, kept: boolean): void {
    if (kept) this.#because = reason
    this.#rejected = kept ? undefined : reason
  }

  turn(value: number): void {
    this.#use.settle()
    this.#value = value
  }

  awaits(effect: Promise<void>): void {
    this.#awaited++
    void effect.then(() => this.#awaited--)
  }

  /** True when its value has had time to have an effect. */
  get isInEffect(): boolean {
    return this.#awaited === 0
  }

  met(what: 'empty' | 'full'): void {
    this.#met[what]++
  }

  /** What was seen of a buffer since `restart`. */
  get seen(): Seen {
    return { taken: this.#counter.chunks - this.#chunks, ...this.#met }
  }

  get isBuffer(): boolean {
    return this.range.unit === 'elements'
  }

  /** Elements that were done since the last `restart`. */
  get done(): number {
    return this.#counter.done - this.#from.done
  }

  /**
   * True when the last `ms` milliseconds, since `restart`, tell its rate: the times of its elements are known well
   * enough, and as many came out as Little's law says of them, so that nothing still shows of what was before.
   */
  isSteady(ms: number, error: number): boolean {
    const { timed, ms: timedMs, squares, done } = this.#since()
    const lanes = this.#value
    if (timed < 2 || timedMs === 0 || done < 2 * lanes) return false
    const mean = timedMs / timed
    const variance = Math.max(0, squares / timed - mean * mean)
    if (Math.sqrt(variance / timed) > error * mean) return false
    const expected = (rateOf(this.load(ms)) * ms) / 1000
    return Math.abs(done - expected) <= lanes + 2 * error * done
  }

  restart(): void {
    this.#from = this.#sums()
    this.#chunks = this.#counter.chunks
    this.#met = { empty: 0, full: 0 }
  }

  /** What it did in the last `ms` milliseconds, since `restart`. */
  load(ms: number): Load {
    const { timed, ms: timedMs, busy } = this.#since()
    return {
      stage: this.stage,
      unit: this.range.unit,
      lanes: this.#value,
      occupied: ms === 0 ? 0 : (this.range.unit === 'workers' ? timedMs : busy) / ms,
      serviceMs: timed === 0 ? 0 : timedMs / timed,
      ceiling: this.ceiling,
    }
  }

  #since(): Sums {
    const now = this.#sums()
    const from = this.#from
    return {
      timed: now.timed - from.timed,
      ms: now.ms - from.ms,
      squares: now.squares - from.squares,
      done: now.done - from.done,
      busy: now.busy - from.busy,
    }
  }

  #sums(): Sums {
    const { times, done } = this.#counter
    const { count, ms, squares } = times
    return { timed: count, ms, squares, done, busy: this.#use.times.busy }
  }
}
