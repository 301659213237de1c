import type { PlanNode } from '../plan/node.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Token } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import type { Share } from '../stream/memory.ts'
import { type JunctionSpec, sameBytes, sameCardinality } from '../stream/spec.ts'
import { type Knob, type KnobRange, pinned } from '../stream/tuning.ts'

export interface PrefetchParams {
  /** Elements to have ready; the chunk that passes it is still read. `'auto'` tunes it. */
  readonly size: number | 'auto'
}

/** Elements to have ready, where the run tunes it: to begin with, and at most. */
const FIRST = 2
const MOST = 1024

const rangeOf = (size: number | 'auto'): KnobRange =>
  size === 'auto'
    ? { unit: 'elements', start: FIRST, least: 1, most: MOST }
    : pinned('elements', size)

export const prefetchSpec: JunctionSpec<PrefetchParams> = {
  op: 'prefetch',
  kind: 'junction',
  summary: 'Prepares so many elements ahead while the reader is busy with earlier ones.',
  tfData: 'prefetch; without a number as with AUTOTUNE',
  // How far ahead it reads changes no result, so it is no part of a checkpoint's fingerprint.
  structure: () => ({}),
  cardinality: sameCardinality,
  bytes: sameBytes,
  traits: ({ size }) => ({
    runs: size === 0 ? 'hands on' : 'reads ahead while the reader is busy',
    ...(size === 'auto' ? {} : { holds: size }),
  }),
  open: (node, context, from) =>
    node.params.size === 0 ? new PassOn(context, from) : new Prefetch(node, context, from),
}

class PassOn implements Body {
  readonly #input: Operator
  constructor(context: OpenContext, from: Json | undefined) {
    this.#input = context.open(0, from)
  }
  pull(): Promise<Chunk | null> {
    return this.#input.pull()
  }
  tok(): Token {
    return this.#input.tok()
  }
  origin(): Origin | undefined {
    return this.#input.origin?.()
  }
}

type Arrival = { readonly before: Token } & (
  | { readonly chunk: Chunk | null; readonly origin: Origin | undefined }
  | { readonly error: unknown }
)

/** Token: that of the input before the first chunk in the queue. */
class Prefetch implements Body {
  readonly #tuned: boolean
  readonly #knob: Knob
  readonly #share: Share
  readonly #input: Operator
  readonly #queue: Arrival[] = []
  #waiting = 0
  /** Elements of the chunk that was read last: the next may be as long. */
  #last = 0
  #flight: { readonly before: Token; readonly done: Promise<void> } | undefined
  #over = false
  /** Of the chunk that was handed out last. */
  #origin: Origin | undefined

  constructor({ params }: PlanNode<PrefetchParams>, context: OpenContext, from: Json | undefined) {
    this.#tuned = params.size === 'auto'
    this.#knob = context.knob(rangeOf(params.size))
    this.#share = context.share()
    this.#input = context.open(0, from)
  }

  async pull(): Promise<Chunk | null> {
    this.#pump()
    if (this.#queue.length === 0 && !this.#over) this.#knob.met('empty')
    while (this.#queue.length === 0 && this.#flight !== undefined) await this.#flight.done
    const arrival = this.#queue.shift()
    if (arrival === undefined) return null
    if ('error' in arrival) {
      this.#over = false // what read the error may want what comes behind it
      throw arrival.error
    }
    this.#waiting -= arrival.chunk?.length ?? 0
    this.#origin = arrival.origin
    this.#pump()
    return arrival.chunk
  }

  tok(): Token {
    return this.#queue[0]?.before ?? this.#flight?.before ?? this.#input.tok()
  }

  origin(): Origin | undefined {
    return this.#origin
  }

  stop(): void {
    this.#over = true
  }

  async close(): Promise<void> {
    await this.#flight?.done
  }

  /** Elements to have ready, as far as there is room for them; a number that was said needs a budget to be less. */
  get #size(): number {
    const { value } = this.#knob
    if (!this.#tuned && !this.#share.isHard) return value
    return Math.min(value, Math.max(1, this.#share.room - this.#last))
  }

  /** Keeps one pull under way while there is room. */
  #pump(): void {
    if (this.#flight !== undefined || this.#over) return
    if (this.#waiting >= this.#size) {
      this.#knob.met('full')
      return
    }
    const before = this.#input.tok()
    this.#flight = { before, done: this.#read(before) }
  }

  #weigh(chunk: Chunk | null): void {
    this.#last = chunk?.length ?? 0
    this.#waiting += this.#last
    if (this.#share.isHard) for (const element of chunk ?? []) this.#share.weigh(element)
    else if (this.#tuned && chunk !== null) this.#share.weigh(chunk[0])
  }

  async #read(before: Token): Promise<void> {
    try {
      const chunk = await this.#input.pull()
      if (chunk === null) this.#over = true
      this.#weigh(chunk)
      this.#queue.push({ before, chunk, origin: this.#input.origin?.() })
    } catch (error) {
      this.#over = true
      this.#queue.push({ before, error })
    }
    this.#flight = undefined
    this.#pump()
  }
}
