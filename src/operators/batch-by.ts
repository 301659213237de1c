import { InvalidArgumentError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import type { Clock } from '../stream/clock.ts'
import { SkipLog } from '../stream/decisions.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import type { JunctionSpec } from '../stream/spec.ts'
import { collate, describe } from '../tensor/index.ts'

export interface BatchByParams {
  /** Elements of a batch at most. */
  readonly max: number
  /** Sum of its elements' costs at most; Infinity for no limit. */
  readonly maxCost: number
  readonly cost: (x: never) => number
  /** Milliseconds from a batch's first element until it is closed; Infinity waits for ever. */
  readonly maxWait: number
}

export const batchBySpec: JunctionSpec<BatchByParams> = {
  op: 'batchBy',
  kind: 'junction',
  summary:
    'Stacks neighbouring elements into one, as many as limits of number, cost and time allow.',
  tfData: 'none',
  structure: ({ max, maxCost, maxWait }) => ({
    max,
    maxCost: finite(maxCost),
    maxWait: finite(maxWait),
  }),
  cardinality: (_, [n]) => (n === 0 || n === Infinity ? n : undefined),
  decides: ({ maxWait }) => maxWait < Infinity,
  traits: ({ maxWait }) =>
    maxWait === Infinity
      ? {}
      : { resume: 'closes the same batches early again that came since the state' },
  open: (node, context, from) => new BatchBy(node, context, from),
}

const finite = (limit: number): number | null => (limit === Infinity ? null : limit)

/**
 * Token: [inlet state at the first element of the batch in the making, where batches were closed by time since]. All
 * other ends of batches follow from the elements.
 */
class BatchBy implements Body {
  readonly #params: BatchByParams
  readonly #inlet: Inlet
  readonly #clock: Clock
  readonly #pace: Pace
  /** "Skipped" are here the ordinals before which time closed a batch. */
  readonly #ends: SkipLog
  #items: unknown[] = []
  #total = 0
  /** Where the batch in the making starts. */
  #start: { readonly state: Token; readonly ordinal: number } | undefined
  /** When its first element came. */
  #since = 0
  /** Cost of the element that the inlet is at, once it was asked. */
  #cost: number | undefined
  /** A fill that goes on in the background, and the state before it. */
  #filling: { readonly before: Token; readonly done: Promise<boolean> } | undefined

  constructor({ params }: PlanNode<BatchByParams>, context: OpenContext, from: Json | undefined) {
    const [state, ends] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#params = params
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#clock = context.clock
    this.#pace = context.pace()
    this.#ends = new SkipLog(ends)
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    while (out.length < this.#pace.max) {
      const step = this.#step(out)
      if (step === 'went on') continue
      if (step === 'hand out' || out.length > 0) break
      const next = await this.#next()
      if (next === 'element') continue
      if (this.#items.length > 0) this.#close(out)
      break
    }
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const state = this.#start?.state ?? this.#filling?.before ?? this.#inlet.tok()
    return this.#ends.token(state)
  }

  /** Takes an element or closes a batch. What fails does so when all before it is handed out. */
  #step(out: unknown[]): 'went on' | 'needs more' | 'hand out' {
    if (this.#items.length === this.#params.max) return this.#close(out) ? 'went on' : 'hand out'
    if (this.#inlet.i === this.#inlet.n) return 'needs more'
    this.#filling = undefined // it came, perhaps while the reader was busy
    if (!this.#askCost(out)) return 'hand out'
    if (!this.#fits()) return this.#close(out) ? 'went on' : 'hand out'
    this.#take()
    return 'went on'
  }

  /** False when it fails and others are to be handed out first. The half-made batch goes with the element that fails. */
  #askCost(out: readonly unknown[]): boolean {
    if (this.#params.maxCost === Infinity || this.#cost !== undefined) return true
    const { xs, i, ordinal } = this.#inlet
    try {
      this.#cost = checkCost(this.#params.cost(xs[i] as never))
      return true
    } catch (error) {
      if (out.length > 0) return false
      this.#inlet.i++
      this.#begin()
      throw new ElementFailure(ordinal, error)
    }
  }

  #fits(): boolean {
    if (this.#items.length === 0) return true
    if (this.#ends.isSkipped(this.#inlet.ordinal)) return false
    return this.#total + (this.#cost ?? 0) <= this.#params.maxCost
  }

  #take(): void {
    const inlet = this.#inlet
    if (this.#start === undefined) {
      this.#start = { state: inlet.tok(), ordinal: inlet.ordinal }
      if (this.#params.maxWait < Infinity) this.#since = this.#clock.now()
    }
    this.#items.push(inlet.xs[inlet.i++])
    this.#total += this.#cost ?? 0
    this.#cost = undefined
  }

  /** False when the batch cannot be made and others are to be handed out first. */
  #close(out: unknown[]): boolean {
    const { ordinal } = this.#inlet
    if (this.#ends.isSkipped(ordinal)) this.#ends.skip(ordinal)
    else this.#ends.decide(ordinal)
    try {
      out.push(collate(this.#items))
    } catch (error) {
      if (out.length > 0) return false
      const first = this.#start?.ordinal ?? ordinal
      this.#begin()
      throw new ElementFailure(first, error)
    }
    this.#begin()
    return true
  }

  #begin(): void {
    this.#items = []
    this.#total = 0
    this.#start = undefined
  }

  /** Waits for an element, or until it is time to close the batch. */
  async #next(): Promise<'element' | 'time' | 'end'> {
    const { ordinal } = this.#inlet
    if (this.#items.length > 0 && this.#ends.isSkipped(ordinal)) return 'time'
    this.#filling ??= this.#fill()
    const first = await this.#orTime(this.#filling.done)
    if (first === undefined) {
      this.#ends.skip(ordinal)
      return 'time'
    }
    this.#filling = undefined
    return first ? 'element' : 'end'
  }

  #fill(): { readonly before: Token; readonly done: Promise<boolean> } {
    const before = this.#inlet.tok()
    const done = Promise.resolve(this.#inlet.fill())
    done.catch(() => undefined) // awaited now, or by the next pull
    return { before, done }
  }

  /** Undefined when it took too long. An error above takes the half-made batch along, as in `batch`. */
  async #orTime(done: Promise<boolean>): Promise<boolean | undefined> {
    let cancel = (): void => undefined
    const late = new Promise<undefined>((resolve) => {
      if (!this.#mayClose()) return
      const left = this.#since + this.#params.maxWait - this.#clock.now()
      cancel = this.#clock.after(Math.max(0, left), () => {
        resolve(undefined)
      })
    })
    try {
      return await Promise.race([done, late])
    } catch (error) {
      this.#filling = undefined
      this.#begin()
      throw error
    } finally {
      cancel()
    }
  }

  /** Time decides no more about what a checkpoint decided. */
  #mayClose(): boolean {
    if (this.#params.maxWait === Infinity || this.#items.length === 0) return false
    return !this.#ends.mustSucceed(this.#inlet.ordinal)
  }
}

function checkCost(cost: unknown): number {
  if (typeof cost === 'number' && cost >= 0 && cost < Infinity) return cost
  throw new InvalidArgumentError(`a cost must be a number of at least 0, not ${describe(cost)}`)
}
