import type { PlanNode } from '../plan/node.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Token } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import { type JunctionSpec, sameBytes, sameCardinality } from '../stream/spec.ts'

export interface PrefetchParams {
  /** Elements to have ready; the chunk that passes it is still read. */
  readonly size: number
}

export const prefetchSpec: JunctionSpec<PrefetchParams> = {
  op: 'prefetch',
  kind: 'junction',
  summary: 'Prepares so many elements ahead while the reader is busy with earlier ones.',
  tfData: 'prefetch; a number of elements, there is no AUTOTUNE',
  // How far ahead it reads changes no result, so it is no part of a checkpoint's fingerprint.
  structure: () => ({}),
  cardinality: sameCardinality,
  bytes: sameBytes,
  traits: ({ size }) => ({
    runs: size === 0 ? 'hands on' : 'reads ahead while the reader is busy',
    holds: size,
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
  readonly #size: number
  readonly #input: Operator
  readonly #queue: Arrival[] = []
  #waiting = 0
  #flight: { readonly before: Token; readonly done: Promise<void> } | undefined
  #over = false
  /** Of the chunk that was handed out last. */
  #origin: Origin | undefined

  constructor({ params }: PlanNode<PrefetchParams>, context: OpenContext, from: Json | undefined) {
    this.#size = params.size
    this.#input = context.open(0, from)
  }

  async pull(): Promise<Chunk | null> {
    this.#pump()
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

  /** Keeps one pull under way while there is room. */
  #pump(): void {
    if (this.#flight !== undefined || this.#over || this.#waiting >= this.#size) return
    const before = this.#input.tok()
    this.#flight = { before, done: this.#read(before) }
  }

  async #read(before: Token): Promise<void> {
    try {
      const chunk = await this.#input.pull()
      if (chunk === null) this.#over = true
      this.#waiting += chunk?.length ?? 0
      this.#queue.push({ before, chunk, origin: this.#input.origin?.() })
    } catch (error) {
      this.#over = true
      this.#queue.push({ before, error })
    }
    this.#flight = undefined
    this.#pump()
  }
}
