import type { PlanNode } from '../plan/node.ts'
import { Inlet, shorterInput } from '../stream/inlet.ts'
import { fillMarked, Marks } from '../stream/marks.ts'
import type { Body, Chunk, Json, Meter, OpenContext, Pace, Token } from '../stream/operator.ts'
import { hashBelow, seededKey } from '../stream/random.ts'
import { plain } from '../stream/token.ts'
import { expectedAge, heldAfter, oldest } from './shuffle-order.ts'
import { type JunctionSpec, sameBytes, sameCardinality } from '../stream/spec.ts'

export interface ShuffleParams {
  readonly size: number
  /** Mixed with the run's seed; undefined = 0. */
  readonly seed: number | undefined
  /** False gives every epoch and every iteration the same order. */
  readonly reshuffle: boolean
}

export const shuffleSpec: JunctionSpec<ShuffleParams> = {
  op: 'shuffle',
  kind: 'junction',
  summary: 'Emits random elements of a buffer that holds the next so many.',
  tfData: 'shuffle; without a seed the order follows from the run seed',
  structure: ({ size, seed, reshuffle }) => ({ size, seed: seed ?? null, reshuffle }),
  cardinality: sameCardinality,
  bytes: sameBytes,
  traits: ({ size }, [length]) => ({
    holds: size,
    rereads: Math.min(expectedAge(size), length ?? Infinity),
  }),
  noop: ({ size }) => size === 1,
  open: (node, context, from) => new Shuffle(node, context, from),
}

/** Marks up to which none is let go. */
const FEWEST_MARKS = 64

/** Token: [outputs, input length or -1, inlet state at the oldest element held]. */
class Shuffle implements Body {
  readonly #key: number
  readonly #size: number
  readonly #pace: Pace
  readonly #meter: Meter
  readonly #inlet: Inlet
  readonly #slots: unknown[] = []
  #outputs = 0
  /** Ordinal of the first element that this run reads. */
  readonly #start: number
  /** Length of the input, once its end was seen. */
  #length: number | undefined
  readonly #marks = new Marks()
  /** Marks at which those that are not needed any more are looked for. */
  #trimAt = FEWEST_MARKS
  #filled = false
  #restore: { readonly outputs: number } | undefined

  constructor({ params }: PlanNode<ShuffleParams>, context: OpenContext, from: Json | undefined) {
    this.#key = seededKey(context, params.seed, params.reshuffle)
    this.#size = params.size
    this.#pace = context.pace()
    this.#meter = context.meter
    const [outputs, length, state] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#start = this.#inlet.ordinal
    this.#marks.put(this.#start, this.#inlet.tok())
    if (typeof outputs === 'number' && outputs > 0) {
      this.#outputs = outputs
      this.#length = typeof length === 'number' && length >= 0 ? length : undefined
      this.#restore = { outputs }
    }
  }

  async pull(): Promise<Chunk | null> {
    if (this.#restore !== undefined) await this.#refill()
    else if (!this.#filled) await this.#firstFill()
    if (this.#length === undefined && !(await fillMarked(this.#inlet, this.#marks))) {
      this.#length = this.#size + this.#outputs
    }
    const out: unknown[] = []
    const start = this.#meter.now()
    while (out.length < this.#pace.max && this.#length !== this.#outputs) {
      if (this.#length === undefined && this.#inlet.i === this.#inlet.n) break
      out.push(this.#emit())
    }
    if (this.#marks.count >= this.#trimAt) this.#trim()
    if (out.length > 0) this.#meter.busy(start, out.length)
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const n = this.#outputs
    const length = this.#length
    const marks = this.#marks.kept()
    const { told, ordinal } = this.#inlet
    // Which element is the oldest takes thousands of steps to find out: only when the checkpoint is written.
    return {
      toJSON: (): Json => {
        const least = n === 0 ? this.#start : oldest(heldAfter(this.#key, n, this.#size, length))
        return [n, length ?? -1, plain(marks.at(Math.min(least, ordinal), told))]
      },
    }
  }

  #emit(): unknown {
    const t = this.#outputs++
    const live = this.#length === undefined ? this.#size : this.#length - t
    const slot = hashBelow(this.#key, t, live)
    const x = this.#slots[slot]
    if (this.#length === undefined) {
      this.#slots[slot] = this.#inlet.xs[this.#inlet.i++]
    } else {
      this.#slots[slot] = this.#slots[live - 1]
      this.#slots.pop()
    }
    return x
  }

  async #firstFill(): Promise<void> {
    while (this.#slots.length < this.#size) {
      if (!(await fillMarked(this.#inlet, this.#marks))) {
        this.#length = this.#slots.length
        break
      }
      this.#slots.push(this.#inlet.xs[this.#inlet.i++])
    }
    this.#filled = true
  }

  /** After a resume: reads again from the oldest element held, and keeps those that are. */
  async #refill(): Promise<void> {
    const n = this.#outputs
    const held = heldAfter(this.#key, n, this.#size, this.#length)
    const base = this.#inlet.ordinal
    const end = Math.min(this.#length ?? Infinity, n + this.#size)
    // By ordinal, not a Map: the window of a 100 k buffer is a million ordinals wide.
    const slotOf = new Int32Array(Math.max(0, end - base)).fill(-1)
    held.forEach((ordinal, slot) => (slotOf[ordinal - base] = slot))
    while (this.#inlet.ordinal < end) {
      if (!(await fillMarked(this.#inlet, this.#marks)))
        throw shorterInput('shuffle', this.#inlet.ordinal, end)
      const stop = Math.min(this.#inlet.n, this.#inlet.i + end - this.#inlet.ordinal)
      for (; this.#inlet.i < stop; this.#inlet.i++) {
        const slot = slotOf[this.#inlet.ordinal - base] ?? -1
        if (slot >= 0) this.#slots[slot] = this.#inlet.xs[this.#inlet.i]
      }
    }
    this.#restore = undefined
    this.#filled = true
  }

  /**
   * Lets go of marks before the oldest element held. Which one that is takes some steps for every slot, so it is asked
   * when there are twice as many marks as were needed the last time; to keep it at hand costs more in each `#emit`.
   */
  #trim(): void {
    this.#marks.forget(oldest(heldAfter(this.#key, this.#outputs, this.#size, this.#length)))
    this.#trimAt = Math.max(FEWEST_MARKS, 2 * this.#marks.count)
  }
}
