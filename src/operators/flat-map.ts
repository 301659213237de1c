import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type {
  Body,
  Chunk,
  Json,
  Meter,
  OpenContext,
  Operator,
  Pace,
  Token,
} from '../stream/operator.ts'
import { type Origin, Origins, span } from '../stream/origin.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { Starts } from '../stream/starts.ts'
import { plain } from '../stream/token.ts'
import { arrived } from '../stream/turn.ts'
import { Expander, type OpenedDataset } from './expansion.ts'

export interface FlatMapParams {
  readonly fn: UserFn
  /** Where the items that came of an element came from, where that says more than the element's own origin. */
  readonly origin?: (x: never, items: readonly unknown[]) => Origin
}

export const flatMapSpec: JunctionSpec<FlatMapParams> = {
  op: 'flatMap',
  kind: 'junction',
  summary:
    'Makes several elements, or none, of each: those of the array or dataset a function returns.',
  tfData: 'flat_map; arrays too, which are cheaper',
  structure: () => ({}),
  cardinality: unknownCardinality,
  decides: () => true,
  traits: () => ({
    runs: 'reads the arrays and datasets that its function makes, one after the other',
    resume: 'goes on within the dataset that was open',
  }),
  open: (node, context, from) => new FlatMap(node, context, from),
}

/** The dataset that is read. */
interface Nested {
  readonly reader: Operator
  /** A pull whose outcome nobody took yet, and the state before it. */
  flight?: { readonly chunk: Promise<Chunk | null>; readonly before: Token } | undefined
}

/**
 * Token: [inlet state at the element that is expanded, items done, state of its dataset, states at the start of
 * datasets after it].
 */
class FlatMap implements Body {
  readonly #inlet: Inlet
  readonly #originIn: FlatMapParams['origin']
  readonly #expander: Expander
  /** Of the calls, which take time. */
  readonly #work: Pace
  /** Of what is handed on. */
  readonly #pace: Pace
  readonly #meter: Meter
  /** State of the inlet before the element that is expanded. */
  #before: Token = null
  #items: readonly unknown[] | undefined
  #itemsOrigin: Origin | undefined
  #done = 0
  #nested: Nested | undefined
  #held: ElementFailure | undefined
  /** Of the chunk that was handed out last. */
  #origins = new Origins()
  readonly #starts: Starts
  /** Where a resume goes on within its first element. */
  #restore: { readonly done: number; readonly nested: Json } | undefined
  /** What the state of the checkpoint's dataset became: from here on its decisions are noted. */
  #reopened: Token | undefined

  constructor(node: PlanNode<FlatMapParams>, context: OpenContext, from: Json | undefined) {
    const [state, done, nested, starts] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#starts = new Starts(starts)
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#originIn = node.params.origin
    this.#expander = new Expander('flatMap', node.params.fn, context)
    this.#work = context.pace()
    this.#pace = context.pace()
    this.#meter = context.meter
    if (typeof done === 'number' && nested !== undefined && (done > 0 || nested !== null)) {
      this.#restore = { done, nested }
    }
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    this.#origins = new Origins()
    while (out.length < this.#pace.max) {
      if (this.#items !== undefined) this.#drain(this.#items, out)
      else if (this.#nested !== undefined) {
        const whole = await this.#read(this.#nested, out)
        if (whole !== undefined) return whole
      } else if (this.#inlet.i < this.#inlet.n && this.#held === undefined) {
        this.#expand(out)
        if (out.length >= this.#work.max) break
      }
      // More means waiting, or an error: what is there goes first.
      else if (out.length > 0) break
      else if (this.#held !== undefined) throw this.#behindHeld(this.#held)
      else if (!(await this.#inlet.fill())) return null
    }
    return this.#noted(out)
  }

  tok(): Token {
    return this.#starts.token(this.#state())
  }

  #state(): readonly Token[] {
    if (this.#items !== undefined) return [this.#before, this.#done, null]
    if (this.#nested !== undefined) {
      const { flight, reader } = this.#nested
      return [this.#before, 0, flight?.before ?? reader.tok()]
    }
    if (this.#restore === undefined) return [this.#inlet.tok(), 0, null]
    const { done, nested } = this.#restore
    return [this.#inlet.tok(), done, { toJSON: () => plain(this.#reopened ?? nested) }]
  }

  origin(): Origin {
    return this.#origins.of
  }

  #noted(out: readonly unknown[]): Chunk {
    this.#pace.note(out.length, out[0])
    return out
  }

  #drain(items: readonly unknown[], out: unknown[]): void {
    const [from, of] = [this.#done, this.#itemsOrigin]
    const end = Math.min(items.length, from + this.#pace.max - out.length)
    this.#origins.add(out.length, of && ((k) => of(from + k)))
    while (this.#done < end) out.push(items[this.#done++])
    if (this.#done < items.length) return
    this.#items = undefined
    this.#done = 0
  }

  /** Goes through the elements that are there; one that fails is held back behind what precedes it. */
  #expand(out: unknown[]): void {
    const { i: first, ordinal } = this.#inlet
    const had = out.length
    const of = this.#inlet.origin()
    const start = this.#meter.now()
    this.#work.start()
    try {
      this.#expandArrays(out, ordinal - first)
    } catch (error) {
      const { i } = this.#inlet
      this.#held = new ElementFailure(ordinal + i - first, error, { source: of?.(i) })
    }
    const last = this.#inlet.i - 1
    if (out.length > had) this.#origins.add(had, of && (() => span(of(first), of(last))))
    const made = out.length - had + (this.#items?.length ?? 0)
    this.#work.note(made, this.#items?.[0] ?? out.at(-1))
    this.#meter.busy(start, made)
  }

  /** Arrays that fit leave no state between elements: a loop as tight as it can be. Stops at what is more. */
  #expandArrays(out: unknown[], base: number): void {
    const inlet = this.#inlet
    const { xs, n } = inlet
    const max = Math.min(this.#work.max, this.#pace.max)
    const inParts = this.#originIn !== undefined
    while (inlet.i < n && out.length < max) {
      const made = this.#expander.call(xs[inlet.i], base + inlet.i)
      if (!Array.isArray(made) || out.length + made.length > max || inParts || this.#restore) {
        this.#begin(made, base + inlet.i)
        return
      }
      for (let k = 0; k < made.length; k++) out.push(made[k])
      inlet.i++
    }
  }

  /** Goes through an array in parts, or opens a dataset. */
  #begin(made: unknown, ordinal: number): void {
    const { i } = this.#inlet
    const of = this.#inlet.origin()
    const from = this.#restore?.nested ?? this.#starts.of(ordinal)
    const opened = this.#expander.open(made, ordinal, from, () => of?.(i))
    this.#before = this.#inlet.tok()
    if ('items' in opened) this.#setItems(opened.items)
    else this.#startReading(opened, ordinal)
    this.#done = this.#restore?.done ?? 0
    this.#restore = undefined
    this.#inlet.i++
  }

  #setItems(items: readonly unknown[]): void {
    const { xs, i } = this.#inlet
    const of = this.#inlet.origin()
    this.#items = items
    this.#itemsOrigin = this.#originIn?.(xs[i] as never, items) ?? (of && (() => of(i)))
  }

  #startReading({ nested, decides }: OpenedDataset, ordinal: number): void {
    this.#nested = { reader: nested }
    if (!decides) return
    if (this.#restore === undefined) this.#starts.begin(ordinal, nested.tok())
    else this.#reopened = nested.tok()
  }

  #behindHeld(held: ElementFailure): ElementFailure {
    this.#held = undefined
    this.#restore = undefined
    this.#inlet.i++
    return held
  }

  /** Adds the next elements of the dataset; a chunk that is for itself alone is returned as it is. */
  async #read(nested: Nested, out: unknown[]): Promise<Chunk | undefined> {
    const { reader } = nested
    nested.flight ??= { before: reader.tok(), chunk: reader.pull() }
    if (out.length > 0 && !(await arrived(nested.flight.chunk))) return this.#noted(out)
    const chunk = await nested.flight.chunk.finally(() => (nested.flight = undefined))
    if (chunk === null) {
      this.#nested = undefined
      await reader.close()
    } else {
      this.#origins.add(out.length, reader.origin?.())
      if (out.length === 0 && chunk.length * 4 >= this.#pace.max) return this.#noted(chunk)
      for (const x of chunk) out.push(x)
    }
    return undefined
  }
}
