import type { PlanNode } from '../plan/node.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { plain } from '../stream/token.ts'
import { InterleaveAny } from './interleave-any.ts'
import { type NestedInput, readMore } from './nested-input.ts'
import { type InUse, NestedInputs } from './nested-inputs.ts'

export interface InterleaveParams {
  readonly fn: UserFn
  /** Inputs that take turns. */
  readonly cycleLength: number
  /** Elements taken of one input in its turn. */
  readonly blockLength: number
  /** Inputs that are read at the same time; no part of the result. */
  readonly parallelism: number
  /** False takes what is there. */
  readonly deterministic: boolean
}

export const interleaveSpec: JunctionSpec<InterleaveParams> = {
  op: 'interleave',
  kind: 'junction',
  summary:
    'Makes a dataset of each element and takes turns between several of them; they can be read at the same time.',
  tfData: 'interleave; cycleLength is 4 unless told, the same on every machine',
  structure: ({ cycleLength, blockLength, deterministic }) => ({
    cycleLength,
    blockLength,
    ...(deterministic ? {} : { deterministic }),
  }),
  cardinality: unknownCardinality,
  decides: () => true,
  traits: ({ cycleLength, parallelism, deterministic }) => ({
    runs: [
      `takes turns between ${cycleLength} datasets`,
      ...(parallelism > 1 ? [`reads ${parallelism} at once`] : []),
      ...(deterministic ? [] : ['passes over those that are not ready']),
    ].join(', '),
    resume: 'goes on within the datasets that were open',
    state: 40 * cycleLength,
  }),
  open: (node, context, from) =>
    node.params.deterministic
      ? new Interleave(node, context, from)
      : new InterleaveAny(node, context, from),
}

/**
 * tf.data's order: slots take turns of `blockLength` elements; one whose input ends gives its turn away and takes
 * the next input when its turn comes again.
 *
 * Token: [inlet state at the oldest input in use, ordinal of the next input, slot on turn, elements it gave,
 * slots: ordinal and state of each, states at the start of inputs after them].
 */
class Interleave implements Body {
  readonly #inputs: NestedInputs
  readonly #pace: Pace
  readonly #params: InterleaveParams
  readonly #slots: (NestedInput | undefined)[]
  #turn = 0
  #given = 0
  #stopped = false
  /** The token to reopen, until the first pull. */
  #restore: Json | undefined
  /** What it became: from here on decisions are noted. */
  #reopened: Token | undefined

  constructor(
    { params }: PlanNode<InterleaveParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    const [state, , , , , starts] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inputs = new NestedInputs('interleave', params.fn, context, [state, starts], () =>
      this.#readAhead(),
    )
    this.#pace = context.pace()
    this.#params = params
    this.#slots = Array.from({ length: params.cycleLength })
    this.#restore = from
  }

  async pull(): Promise<Chunk | null> {
    if (this.#restore !== undefined) await this.#reopen(this.#restore)
    const out: unknown[] = []
    await this.#collect(out)
    this.#pace.note(out.length, out[0])
    this.#readAhead()
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const restored = this.#restore
    if (restored === undefined) return this.#state()
    return { toJSON: () => plain(this.#reopened ?? restored) }
  }

  #state(): Token {
    const slots = this.#slots.map((slot) =>
      slot === undefined ? null : [slot.ordinal, slot.tok()],
    )
    const oldest = this.#inputs.tok(this.#oldest())
    return this.#inputs.token([oldest, this.#inputs.next, this.#turn, this.#given, slots])
  }

  stop(): void {
    this.#stopped = true
  }

  close(): Promise<void> {
    return this.#inputs.close()
  }

  /** Ends early, without an error, when something is there and more means to wait or to fail. */
  async #collect(out: unknown[]): Promise<void> {
    while (out.length < this.#pace.max) {
      const slot = this.#slots[this.#turn]
      if (slot?.claim() === true) {
        this.#take(slot, out)
      } else if (slot !== undefined) {
        const more = await readMore(slot, out.length > 0)
        if (more === undefined) return
        if (!more) await this.#retire(slot)
      } else if (this.#inputs.ended) {
        if (!this.#slots.some((other) => other !== undefined)) return
        this.#advance()
      } else {
        if (!(await this.#inputs.ready(out.length > 0))) return
        this.#slots[this.#turn] = this.#inputs.take()
      }
    }
  }

  #take({ rows }: NestedInput, out: unknown[]): void {
    const room = Math.min(this.#params.blockLength - this.#given, this.#pace.max - out.length)
    const end = Math.min(rows.n, rows.i + room)
    this.#given += end - rows.i
    while (rows.i < end) out.push(rows.xs[rows.i++])
    if (this.#given === this.#params.blockLength) this.#advance()
  }

  #advance(): void {
    this.#given = 0
    this.#turn = (this.#turn + 1) % this.#params.cycleLength
  }

  async #retire(slot: NestedInput): Promise<void> {
    this.#slots[this.#turn] = undefined
    this.#advance()
    this.#inputs.forget(this.#oldest())
    await slot.close()
  }

  /** Keeps `parallelism` inputs open and reading. */
  #readAhead(): void {
    const { parallelism } = this.#params
    if (parallelism === 1 || this.#stopped) return
    let reading = 0
    for (let k = 0; k < this.#slots.length && reading < parallelism; k++) {
      const slot = this.#slots[(this.#turn + k) % this.#slots.length]
      if (slot === undefined) continue
      reading++
      if (!slot.claim()) void slot.begin()
    }
    this.#inputs.readAhead(parallelism - reading)
  }

  /** Ordinal of the oldest input in a slot. */
  #oldest(): number {
    return this.#slots.reduce((least, slot) => Math.min(least, slot?.ordinal ?? least), Infinity)
  }

  async #reopen(from: Json): Promise<void> {
    const [, next, turnOf, given, slots] = from as readonly Json[]
    const entries = slots as readonly (InUse[number] | null)[]
    const places = new Map(entries.map((entry, place) => [entry?.[0], place]))
    const inUse = entries.filter((entry) => entry !== null)
    await this.#inputs.reopen(Number(next), inUse, (input) => {
      this.#slots[places.get(input.ordinal) ?? 0] = input
    })
    this.#turn = Number(turnOf)
    this.#given = Number(given)
    this.#restore = undefined
    this.#reopened = this.#state()
  }
}
