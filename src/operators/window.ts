import type { PlanNode } from '../plan/node.ts'
import { Inlet } from '../stream/inlet.ts'
import { fillMarked, Marks } from '../stream/marks.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
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

/** Token: [inlet state at the first element still needed, elements to leave out before it]. */
class Window implements Body {
  readonly #inlet: Inlet
  readonly #marks = new Marks()
  readonly #pace: Pace
  readonly #params: WindowParams
  readonly #span: number
  /** The elements from the first one needed on. */
  #buffer: unknown[] = []
  /** Elements to leave out before the next window. */
  #gap: number
  #ended = false

  constructor({ params }: PlanNode<WindowParams>, context: OpenContext, from: Json | undefined) {
    const [state, gap] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#pace = context.pace()
    this.#params = params
    this.#span = spanOf(params)
    this.#gap = typeof gap === 'number' ? gap : 0
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    while (out.length < this.#pace.max) {
      if (!this.#ready() && out.length > 0) break // windows that are there go before what may have to wait or fail
      if (!this.#ready()) await this.#fill()
      const window = this.#next()
      if (window === undefined) break
      out.push(window)
    }
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const first = this.#inlet.ordinal - this.#buffer.length
    const state = this.#buffer.length === 0 ? this.#inlet.tok() : this.#marks.at(first)
    return [state, this.#gap]
  }

  /** True when the next window needs no more input than is there. */
  #ready(): boolean {
    const missing = this.#gap + this.#span - this.#buffer.length
    return this.#ended || this.#inlet.n - this.#inlet.i >= missing
  }

  /** An error takes the window in the making along, as it does a batch. */
  async #fill(): Promise<void> {
    try {
      while (!this.#ended && !this.#full()) {
        if (!(await fillMarked(this.#inlet, this.#marks))) this.#ended = true
      }
    } catch (error) {
      this.#buffer = []
      throw error
    }
  }

  /** Takes what the inlet has. */
  #full(): boolean {
    const inlet = this.#inlet
    const dropped = Math.min(this.#gap, inlet.n - inlet.i)
    inlet.i += dropped
    this.#gap -= dropped
    const end = Math.min(inlet.n, inlet.i + this.#span - this.#buffer.length)
    while (inlet.i < end) this.#buffer.push(inlet.xs[inlet.i++])
    return this.#buffer.length === this.#span
  }

  /** The next window; undefined at the end. */
  #next(): unknown {
    this.#full()
    const { shift, stride, dropRemainder, wrap } = this.#params
    const buffer = this.#buffer
    if (buffer.length === 0 || (buffer.length < this.#span && dropRemainder)) {
      this.#buffer = []
      return undefined
    }
    const items = stride === 1 ? buffer.slice() : buffer.filter((_, k) => k % stride === 0)
    this.#gap = Math.max(0, shift - buffer.length)
    this.#buffer = buffer.slice(shift)
    this.#marks.forget(this.#inlet.ordinal - this.#buffer.length)
    return wrap(items)
  }
}
