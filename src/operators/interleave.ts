import { CheckpointMismatchError, StageError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import { fillMarked, Marks } from '../stream/marks.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { turn } from '../stream/turn.ts'
import { Expander, type Expansion, Items } from './expansion.ts'

export interface InterleaveParams {
  readonly fn: UserFn
  /** Inputs that take turns. */
  readonly cycleLength: number
  /** Elements taken of one input in its turn. */
  readonly blockLength: number
  /** Inputs that are read at the same time; no part of the result. */
  readonly parallelism: number
}

export const interleaveSpec: JunctionSpec<InterleaveParams> = {
  op: 'interleave',
  kind: 'junction',
  summary:
    'Makes a dataset of each element and takes turns between several of them; they can be read at the same time.',
  tfData:
    'interleave; cycleLength is 4 unless told, the same on every machine; order is always kept',
  structure: ({ cycleLength, blockLength }) => ({ cycleLength, blockLength }),
  cardinality: unknownCardinality,
  traits: ({ cycleLength, parallelism }) => ({
    runs:
      parallelism > 1
        ? `takes turns between ${cycleLength} datasets, reads ${parallelism} at once`
        : `takes turns between ${cycleLength} datasets`,
    resume: 'goes on within the datasets that were open',
    state: 40 * cycleLength,
  }),
  open: (node, context, from) => new Interleave(node, context, from),
}

/** An input in use, made of element `ordinal`. */
class Slot {
  readonly ordinal: number
  readonly reader: Operator
  readonly inlet: Inlet
  /** A fill whose outcome nobody took yet, and the state before it. */
  #filling: { readonly done: Promise<boolean>; readonly before: Token } | undefined

  constructor(ordinal: number, made: Expansion, from?: Json) {
    this.ordinal = ordinal
    this.reader = 'nested' in made ? made.nested : new Items(made.items, Inlet.upstreamOf(from))
    this.inlet = new Inlet(this.reader, from)
  }

  /** True when there are elements to take; then the fill that brought them is done with. */
  claim(): boolean {
    if (this.inlet.i >= this.inlet.n) return false
    this.#filling = undefined
    return true
  }

  /** Reads in the background. */
  begin(): Promise<boolean> {
    if (this.#filling === undefined) {
      const before = this.inlet.tok()
      const done = Promise.resolve(this.inlet.fill())
      done.catch(() => undefined) // thrown by `fill`
      this.#filling = { done, before }
    }
    return this.#filling.done
  }

  /** False at the end. An error is thrown once; the next fill goes on behind it. */
  async fill(): Promise<boolean> {
    try {
      return await this.begin()
    } finally {
      this.#filling = undefined
    }
  }

  tok(): Token {
    return this.#filling?.before ?? this.inlet.tok()
  }
}

/** What stands where the next input should be: it could not be made, or not be read. */
interface Failed {
  readonly ordinal: number
  readonly error: unknown
  /** State of the inlet before it. */
  readonly before: Token
}

/**
 * tf.data's order: slots take turns of `blockLength` elements; one whose input ends gives its turn away and takes
 * the next input when its turn comes again.
 *
 * Token: [inlet state at the oldest input in use, ordinal of the next input, slot on turn, elements it gave,
 * slots: ordinal and state of each].
 */
class Interleave implements Body {
  readonly #inlet: Inlet
  readonly #marks = new Marks()
  readonly #expander: Expander
  readonly #pace: Pace
  readonly #params: InterleaveParams
  readonly #slots: (Slot | undefined)[]
  /** Inputs that were opened before their turn. */
  readonly #ahead: (Slot | Failed)[] = []
  #turn = 0
  #given = 0
  #inputEnded = false
  #feeding: Promise<void> | undefined
  #stopped = false
  /** The token to reopen, until the first pull. */
  #restore: Json | undefined

  constructor(
    { params }: PlanNode<InterleaveParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    const [state] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#expander = new Expander('interleave', params.fn, context)
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
    if (this.#restore !== undefined) return this.#restore
    const [first] = this.#ahead
    const next = first?.ordinal ?? this.#inlet.ordinal
    const slots = this.#slots.map((slot) => slot && [slot.ordinal, slot.tok()])
    const oldest = this.#oldest(next)
    const failed = first !== undefined && 'error' in first ? first.before : undefined
    const here = oldest === next ? failed : undefined
    const state =
      here ?? (oldest === this.#inlet.ordinal ? this.#inlet.tok() : this.#marks.at(oldest))
    return [state, next, this.#turn, this.#given, slots.map((slot) => slot ?? null)]
  }

  stop(): void {
    this.#stopped = true
  }

  async close(): Promise<void> {
    await this.#feeding
  }

  /** Ends early, without an error, when something is there and more means to wait or to fail. */
  async #collect(out: unknown[]): Promise<void> {
    while (out.length < this.#pace.max) {
      const slot = this.#slots[this.#turn]
      if (slot?.claim() === true) {
        this.#take(slot, out)
      } else if (slot !== undefined) {
        if (out.length > 0 && !(await arrived(slot.begin()))) return
        if (!(await slot.fill())) await this.#retire(slot)
      } else if (this.#inputEnded && this.#ahead.length === 0) {
        if (!this.#slots.some((other) => other !== undefined)) return
        this.#advance()
      } else if (!(await this.#openNext(out.length > 0))) return
    }
  }

  #take({ inlet }: Slot, out: unknown[]): void {
    const room = Math.min(this.#params.blockLength - this.#given, this.#pace.max - out.length)
    const end = Math.min(inlet.n, inlet.i + room)
    this.#given += end - inlet.i
    while (inlet.i < end) out.push(inlet.xs[inlet.i++])
    if (this.#given === this.#params.blockLength) this.#advance()
  }

  #advance(): void {
    this.#given = 0
    this.#turn = (this.#turn + 1) % this.#params.cycleLength
  }

  async #retire(slot: Slot): Promise<void> {
    this.#slots[this.#turn] = undefined
    this.#advance()
    this.#marks.forget(this.#oldest(this.#ahead[0]?.ordinal ?? this.#inlet.ordinal))
    await slot.reader.close()
  }

  /** Gives the slot on turn the next input; false when that is for the next pull. */
  async #openNext(hasSome: boolean): Promise<boolean> {
    if (this.#ahead.length === 0) {
      const fed = this.#feed()
      if (hasSome && !(await arrived(fed))) return false
      await fed
    }
    const [next] = this.#ahead
    if (next === undefined) return true // the input ended
    if ('error' in next) {
      if (hasSome) return false
      this.#ahead.shift()
      throw next.error
    }
    this.#slots[this.#turn] = next
    this.#ahead.shift()
    return true
  }

  /** Opens one more input, in the background. */
  #feed(): Promise<void> {
    this.#feeding ??= this.#open().finally(() => {
      this.#feeding = undefined
      this.#readAhead()
    })
    return this.#feeding
  }

  async #open(): Promise<void> {
    const inlet = this.#inlet
    let before = inlet.tok()
    try {
      if (!(await fillMarked(inlet, this.#marks))) {
        this.#inputEnded = true
        return
      }
      before = inlet.tok()
      this.#ahead.push(this.#slotOf(inlet))
    } catch (error) {
      this.#ahead.push({
        ordinal: inlet.ordinal - (error instanceof ElementFailure ? 1 : 0),
        error,
        before,
      })
    }
  }

  /** Moves behind the element in any case. */
  #slotOf(inlet: Inlet, from?: Json): Slot {
    const { ordinal } = inlet
    const x = inlet.xs[inlet.i++]
    return new Slot(ordinal, this.#expander.expand(x, ordinal, Inlet.upstreamOf(from)), from)
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
    for (const next of this.#ahead) {
      if ('error' in next) return
      if (reading++ < parallelism && !next.claim()) void next.begin()
    }
    if (reading < parallelism && !this.#inputEnded) void this.#feed()
  }

  #oldest(next: number): number {
    let oldest = next
    for (const slot of this.#slots)
      if (slot !== undefined && slot.ordinal < oldest) oldest = slot.ordinal
    return oldest
  }

  /** After a resume: reads again from the oldest input in use, and opens those that were. */
  async #reopen(from: Json): Promise<void> {
    const [, next, turnOf, given, slots] = from as readonly Json[]
    const places = new Map<number, { readonly slot: number; readonly state: Json }>()
    const entries = slots as readonly (readonly [number, Json] | null)[]
    entries.forEach(
      (entry, slot) => entry !== null && places.set(entry[0], { slot, state: entry[1] }),
    )
    while (this.#inlet.ordinal < Number(next)) {
      if (!(await this.#fillAgain())) throw shorterInput(this.#inlet.ordinal, Number(next))
      const place = places.get(this.#inlet.ordinal)
      if (place === undefined) this.#inlet.i++
      else this.#slots[place.slot] = this.#slotOf(this.#inlet, place.state)
    }
    this.#turn = Number(turnOf)
    this.#given = Number(given)
    this.#restore = undefined
  }

  /** Errors between inputs in use were delivered before the checkpoint. */
  async #fillAgain(): Promise<boolean> {
    for (;;) {
      try {
        return await fillMarked(this.#inlet, this.#marks)
      } catch (error) {
        if (!(error instanceof StageError)) throw error
      }
    }
  }
}

/** Whether it settles well within a turn of the event loop. */
async function arrived(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => false, // thrown when it is awaited
  )
  return Promise.race([settled, turn().then(() => false)])
}

function shorterInput(got: number, wanted: number): Error {
  return new CheckpointMismatchError(
    `interleave: the input ended at element ${got}, but the checkpoint saw ${wanted}: it is not the input it was`,
  )
}
