import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, unknownCardinality } from '../stream/spec.ts'
import { batchLength, joinRows, sliceRows } from '../tensor/index.ts'

export interface RebatchParams {
  /** Rows of the batches, used in turn. */
  readonly sizes: readonly number[]
  readonly dropRemainder: boolean
}

export const rebatchSpec: JunctionSpec<RebatchParams> = {
  op: 'rebatch',
  kind: 'junction',
  summary: 'Batches of other sizes, of the same rows: slices and joins the batches it gets.',
  tfData: 'rebatch',
  structure: ({ sizes, dropRemainder }) => ({ sizes, dropRemainder }),
  cardinality: unknownCardinality,
  batchSize: ({ sizes, dropRemainder }) =>
    dropRemainder && sizes.length === 1 ? sizes[0] : undefined,
  open: (node, context, from) => new Rebatch(node, context, from),
}

/**
 * Token: [inlet state at the batch that holds the next row, rows of it that are used, which size is next]. While a
 * batch is half made, that of its first row.
 */
class Rebatch implements Body {
  readonly #inlet: Inlet
  readonly #params: RebatchParams
  readonly #pace: Pace
  /** Rows of the batch in the making. */
  #parts: unknown[] = []
  #have = 0
  /** Where it starts. */
  #start: readonly [Token, number] | undefined
  /** Rows used of the batch that the inlet is at. */
  #used: number
  #turn: number

  constructor({ params }: PlanNode<RebatchParams>, context: OpenContext, from: Json | undefined) {
    const [state, used, turn] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#params = params
    this.#pace = context.pace()
    this.#used = typeof used === 'number' ? used : 0
    this.#turn = typeof turn === 'number' ? turn : 0
  }

  async pull(): Promise<Chunk | null> {
    const out: unknown[] = []
    while (out.length < this.#pace.max) {
      if (this.#inlet.i === this.#inlet.n) {
        if (out.length > 0) break // what is there goes before what may have to wait or fail
        if (!(await this.#fill())) {
          if (this.#have > 0 && !this.#params.dropRemainder) out.push(joinRows(this.#parts))
          this.#begin()
          break
        }
      }
      try {
        this.#take(out)
      } catch (error) {
        if (out.length > 0) break // it fails again when its turn comes
        throw this.#goOnBehind(error)
      }
    }
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const [state, used] = this.#start ?? [this.#inlet.tok(), this.#used]
    return [state, used, this.#turn]
  }

  /** An error above takes the half-made batch along, as in `batch`. */
  async #fill(): Promise<boolean> {
    try {
      return await this.#inlet.fill()
    } catch (error) {
      this.#begin()
      throw error
    }
  }

  /** Takes rows of the batch that the inlet is at; nothing has changed when it throws. */
  #take(out: unknown[]): void {
    const { sizes } = this.#params
    const batch = this.#inlet.xs[this.#inlet.i]
    const rows = batchLength(batch)
    const size = sizes[this.#turn] ?? 1
    const end = Math.min(rows, this.#used + size - this.#have)
    const whole = this.#used === 0 && end === rows
    const part = whole ? batch : sliceRows(batch, this.#used, end)
    const have = this.#have + end - this.#used
    if (have === size) {
      out.push(joinRows([...this.#parts, part]))
      this.#begin()
      this.#turn = (this.#turn + 1) % sizes.length
    } else if (end > this.#used) {
      this.#start ??= [this.#inlet.tok(), this.#used]
      this.#parts.push(part)
      this.#have = have
    }
    this.#moveTo(end, rows)
  }

  #begin(): void {
    this.#parts = []
    this.#have = 0
    this.#start = undefined
  }

  #moveTo(row: number, rows: number): void {
    this.#used = row
    if (row < rows) return
    this.#used = 0
    this.#inlet.i++
  }

  /** What cannot be joined is lost with the half that was there, as where `batch` meets unequal elements. */
  #goOnBehind(error: unknown): ElementFailure {
    const { ordinal } = this.#inlet
    this.#begin()
    this.#moveTo(0, 0)
    return new ElementFailure(ordinal, error)
  }
}
