import { StageError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import { Marks } from '../stream/marks.ts'
import type { Body, Chunk, Json, Meter, OpenContext, Pace, Token } from '../stream/operator.ts'
import type { Cardinality, JunctionSpec } from '../stream/spec.ts'

/** Makes a dataset of elements that are in memory: lower layers cannot. */
export type Wrap = (items: readonly unknown[]) => unknown

export interface WindowParams {
  readonly size: number
  /** Elements from one window's start to the next one's. */
  readonly shift: number
  /** Elements from one element of a window to the next. */
  readonly stride: number
  readonly dropRemainder: boolean
  readonly wrap: Wrap
}

export const windowSpec: JunctionSpec<WindowParams> = {
  op: 'window',
  kind: 'junction',
  summary: 'Datasets of neighbouring elements; windows may overlap, or leave elements out.',
  tfData: 'window',
  structure: ({ size, shift, stride, dropRemainder }) => ({ size, shift, stride, dropRemainder }),
  cardinality: (params, [n]) => windowsOf(params, n),
  traits: (params) => ({
    runs: 'keeps the elements of the windows to come',
    holds: spanOf(params),
    rereads: spanOf(params),
  }),
  open: (node, context, from) => new Window(node, context, from),
}

/** Elements from a window's first to its last. */
const spanOf = ({ size, stride }: WindowParams): number => 1 + stride * (size - 1)

function windowsOf(params: WindowParams, n: Cardinality): Cardinality {
  if (n === undefined || n === Infinity) return n
  const least = params.dropRemainder ? spanOf(params) : 1
  return n < least ? 0 : 1 + Math.floor((n - least) / params.shift)
}

/** An element that the input failed on. It keeps its place, as in tf.data: windows that hold it fail. */
class Failed {
  readonly error: StageError | ElementFailure
  /** True when a window failed because of it. */
  told = false

  constructor(error: StageError | ElementFailure) {
    this.error = error
  }
}

/** Token: [inlet state at the first element still needed, elements to leave out before it]. */
class Window implements Body {
  readonly #inlet: Inlet
  readonly #marks = new Marks()
  readonly #pace: Pace
  readonly #meter: Meter
  readonly #params: WindowParams
  readonly #span: number
  /** The elements from the first one needed on. */
  #buffer: unknown[] = []
  /** Elements read, those that failed among them. */
  #position: number
  /** Elements to leave out before the next window. */
  #gap: number
  #ended = false

  constructor({ params }: PlanNode<WindowParams>, context: OpenContext, from: Json | undefined) {
    const [state, gap] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#pace = context.pace()
    this.#meter = context.meter
    this.#params = params
    this.#span = spanOf(params)
    this.#position = this.#inlet.ordinal
    this.#gap = typeof gap === 'number' ? gap : 0
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    while (out.length < this.#pace.max) {
      // Windows that are there go before what may have to wait or fail.
      if (!this.#full() && !this.#ended && out.length > 0) break
      await this.#fill()
      const items = this.#items()
      if (items === undefined) break
      const window = this.#windowOf(items)
      if (!(window instanceof Failed)) out.push(window)
      else if (out.length > 0) break
      else window.told = true
      this.#shift(this.#params.shift)
      if (window instanceof Failed) throw window.error
    }
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const first = this.#position - this.#buffer.length
    const state = this.#buffer.length === 0 ? this.#inlet.tok() : this.#marks.at(first)
    return [state, this.#gap]
  }

  async #fill(): Promise<void> {
    while (!this.#full() && !this.#ended) {
      const before = this.#inlet.tok()
      try {
        if (await this.#inlet.fill()) this.#marks.add(this.#inlet, this.#position)
        else this.#ended = true
      } catch (error) {
        if (!(error instanceof StageError)) throw error
        this.#marks.put(this.#position++, before)
        this.#add(new Failed(error))
      }
    }
  }

  /** Takes what the inlet has; true when that is enough for a window. */
  #full(): boolean {
    const inlet = this.#inlet
    const dropped = Math.min(this.#gap, inlet.n - inlet.i)
    const end = Math.min(inlet.n, inlet.i + dropped + this.#span - this.#buffer.length)
    this.#gap -= dropped
    this.#position += end - inlet.i
    inlet.i += dropped
    while (inlet.i < end) this.#buffer.push(inlet.xs[inlet.i++])
    return this.#buffer.length === this.#span
  }

  #add(failed: Failed): void {
    if (this.#gap === 0) this.#buffer.push(failed)
    else {
      this.#gap--
      this.#leave(failed)
    }
  }

  /** Elements of the next window; undefined at the end. */
  #items(): unknown[] | undefined {
    const { stride, dropRemainder } = this.#params
    const buffer = this.#buffer
    if (buffer.length === 0 || (buffer.length < this.#span && dropRemainder)) {
      this.#shift(buffer.length)
      return undefined
    }
    return stride === 1 ? buffer.slice() : buffer.filter((_, k) => k % stride === 0)
  }

  /** Items that fit into no window fail with its first element. */
  #windowOf(items: readonly unknown[]): unknown {
    const failed = items.find((x) => x instanceof Failed)
    if (failed !== undefined) return failed
    try {
      return this.#params.wrap(items)
    } catch (error) {
      return new Failed(new ElementFailure(this.#position - this.#buffer.length, error))
    }
  }

  #shift(count: number): void {
    const buffer = this.#buffer
    for (let k = 0; k < Math.min(count, buffer.length); k++) this.#leave(buffer[k])
    this.#gap = Math.max(0, count - buffer.length)
    this.#buffer = buffer.slice(count)
    this.#marks.forget(this.#position - this.#buffer.length)
  }

  /** What failed and is in no window was not needed: it is left out and counted. */
  #leave(x: unknown): void {
    if (x instanceof Failed && !x.told) this.#meter.skipped(x.error.index, undefined, x.error)
  }
}
