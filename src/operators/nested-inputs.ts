import { Inlet, shorterInput } from '../stream/inlet.ts'
import { fillMarked, Marks } from '../stream/marks.ts'
import type { Json, OpenContext, Token } from '../stream/operator.ts'
import type { UserFn } from '../stream/spec.ts'
import { Starts } from '../stream/starts.ts'
import { arrived } from '../stream/turn.ts'
import { Expander } from './expansion.ts'
import { type NestedInput, nestedInput, upstreamOf } from './nested-input.ts'

/** What stands where the next input should be: it could not be made, or not be read. */
interface Failed {
  readonly ordinal: number
  readonly error: unknown
  /** State of the inlet before it. */
  readonly before: Token
  /** True when it is the input that failed; then what comes behind it was not read. */
  readonly unread: boolean
}

/** Inputs by their ordinals, with their states. */
export type InUse = readonly (readonly [ordinal: number, state: Json])[]

/** The inputs that a function makes of elements, in order; some are opened before their turn. */
export class NestedInputs {
  readonly #op: string
  readonly #inlet: Inlet
  readonly #marks = new Marks()
  readonly #expander: Expander
  readonly #onSettled: () => void
  readonly #starts: Starts
  /** Opened, and not taken yet. */
  readonly #ahead: (NestedInput | Failed)[] = []
  #ended = false
  /** Errors of the input that were told. One that was met may still wait for its turn. */
  #told: number
  #feeding: Promise<void> | undefined

  /**
   * `from` is the inlet's state, `starts` what `token` added; `settled` is called when something that goes on in the
   * background is over.
   */
  constructor(
    op: string,
    fn: UserFn,
    context: OpenContext,
    [from, starts]: readonly (Json | undefined)[],
    settled: () => void,
  ) {
    this.#op = op
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(from)), from)
    this.#told = this.#inlet.told
    this.#expander = new Expander(op, fn, context)
    this.#onSettled = settled
    this.#starts = new Starts(starts)
  }

  /** True when there is no input any more. */
  get ended(): boolean {
    return this.#ended && this.#ahead.length === 0
  }

  /** True when `take` will throw. */
  get failed(): boolean {
    const [next] = this.#ahead
    return next !== undefined && 'error' in next
  }

  /** Ordinal of the next input, or of the element that could not be read. */
  get next(): number {
    return this.#ahead[0]?.ordinal ?? this.#inlet.ordinal
  }

  /** Makes sure that `take` has something, unless they ended. A promise when that has to be waited for. */
  fill(): Promise<void> | undefined {
    if (this.#ahead.length > 0 || this.#ended) return undefined
    return this.#more()
  }

  /** Fills. False when `take` is for the next pull: it lets wait or fails, and there is something to hand out. */
  async ready(hasSome: boolean): Promise<boolean> {
    const filling = this.fill()
    if (hasSome && filling !== undefined && !(await arrived(filling))) return false
    await filling
    return !hasSome || !this.failed
  }

  /** The next input; undefined at the end, and before `fill`. Throws what it failed with, once. */
  take(): NestedInput | undefined {
    const next = this.#ahead.shift()
    if (next !== undefined && 'error' in next) {
      if (next.unread) this.#told++
      throw next.error
    }
    if (next?.start !== undefined) this.#starts.begin(next.ordinal, next.start)
    return next
  }

  /** Has up to `count` inputs opened, and reading, before their turn. */
  readAhead(count: number): void {
    let reading = 0
    for (const next of this.#ahead) {
      if ('error' in next) return
      if (reading++ < count && !next.claim()) void next.begin()
    }
    while (reading++ < count && !this.#ended) {
      if (this.#more() !== undefined) return
      const last = this.#ahead.at(-1)
      if (last === undefined || 'error' in last) return
      void last.begin()
    }
  }

  /** State of the inlet at the oldest input in use, or at `next` when that is older. */
  tok(oldest: number): Token {
    const [first] = this.#ahead
    if (oldest >= this.next && first !== undefined && 'error' in first) return first.before
    const ordinal = Math.min(oldest, this.next)
    return ordinal === this.#inlet.ordinal ? this.#inlet.tok() : this.#marks.at(ordinal, this.#told)
  }

  /** `state`, with what was decided in inputs that were taken since. */
  token(state: readonly Token[]): Token {
    return this.#starts.token(state)
  }

  /** Inputs before `oldest` are not needed any more. */
  forget(oldest: number): void {
    this.#marks.forget(Math.min(oldest, this.next))
  }

  /** After a resume: reads again from the oldest input in use, and opens those that were. Can be called again. */
  async reopen(next: number, inUse: InUse, opened: (input: NestedInput) => void): Promise<void> {
    const states = new Map(inUse)
    while (this.#inlet.ordinal < next) {
      if (!(await fillMarked(this.#inlet, this.#marks))) {
        throw shorterInput(this.#op, this.#inlet.ordinal, next)
      }
      const state = states.get(this.#inlet.ordinal)
      if (state === undefined) this.#inlet.i++
      else opened(this.#open(state))
    }
  }

  /** Waits for what goes on in the background. */
  async close(): Promise<void> {
    await this.#feeding
  }

  /** Opens one more input. */
  #more(): Promise<void> | undefined {
    if (this.#feeding !== undefined) return this.#feeding
    if (this.#inlet.i < this.#inlet.n) {
      this.#add()
      return undefined
    }
    this.#feeding = this.#fillAndAdd().finally(() => {
      this.#feeding = undefined
      this.#onSettled()
    })
    return this.#feeding
  }

  async #fillAndAdd(): Promise<void> {
    const inlet = this.#inlet
    const before = inlet.tok()
    try {
      if (await fillMarked(inlet, this.#marks)) this.#add()
      else this.#ended = true
    } catch (error) {
      this.#ahead.push({ ordinal: inlet.ordinal, error, before, unread: true })
    }
  }

  #add(): void {
    const { ordinal } = this.#inlet
    const before = this.#inlet.tok()
    try {
      this.#ahead.push(this.#open())
    } catch (error) {
      this.#ahead.push({ ordinal, error, before, unread: false })
    }
  }

  /** Moves behind the element in any case. */
  #open(from = this.#starts.of(this.#inlet.ordinal)): NestedInput {
    const { ordinal } = this.#inlet
    const x = this.#inlet.xs[this.#inlet.i++]
    const made = this.#expander.expand(x, ordinal, upstreamOf(from))
    return nestedInput(ordinal, made, from, this.#onSettled)
  }
}
