import { CheckpointMismatchError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { OrderLog } from '../stream/order-log.ts'
import { plain } from '../stream/token.ts'
import { arrived } from '../stream/turn.ts'
import type { InterleaveParams } from './interleave.ts'
import { type NestedInput, readMore } from './nested-input.ts'
import { type InUse, NestedInputs } from './nested-inputs.ts'

/**
 * Inputs that are ready take turns of up to `blockLength` elements; one that has to wait is passed over, and one
 * that ends makes room for the next at once.
 *
 * Token: [inlet state at the oldest input in use, ordinal of the next input, inputs in use: ordinal and state of
 * each, the order in which elements were taken since, states at the start of inputs taken since].
 */
export class InterleaveAny implements Body {
  readonly #inputs: NestedInputs
  readonly #pace: Pace
  readonly #params: InterleaveParams
  readonly #log: OrderLog
  /** In the order of their turns. */
  readonly #inUse: NestedInput[] = []
  #turn = 0
  #stopped = false
  #wake: (() => void) | undefined
  /** The token to reopen, until the first pull. */
  #restore: readonly Json[] | undefined
  /** What it became: from here on decisions are noted. */
  #reopened: Token | undefined

  constructor(
    { params }: PlanNode<InterleaveParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    const [state, , , taken, starts] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inputs = new NestedInputs('interleave', params.fn, context, [state, starts], () =>
      this.#awaken(),
    )
    this.#pace = context.pace()
    this.#params = params
    this.#log = new OrderLog(taken)
    this.#restore = from as readonly Json[] | undefined
  }

  async pull(): Promise<Chunk | null> {
    if (this.#restore !== undefined) await this.#reopen(this.#restore)
    this.#log.turnPage()
    const out: unknown[] = []
    while (out.length < this.#pace.max && this.#log.due !== undefined) {
      if (!(await this.#takeAgain(this.#log.due, out))) break
    }
    if (this.#log.due === undefined) await this.#collect(out)
    this.#pace.note(out.length, out[0])
    this.#readAhead()
    return out.length === 0 ? null : out
  }

  tok(): Token {
    const restored = this.#restore
    return restored === undefined
      ? this.#state()
      : { toJSON: () => plain(this.#reopened ?? restored) }
  }

  #state(): Token {
    const inUse = this.#inUse.map((input) => [input.ordinal, input.tok()])
    const oldest = this.#inputs.tok(this.#oldest())
    return this.#inputs.token([oldest, this.#inputs.next, inUse, this.#log.token()])
  }

  stop(): void {
    this.#stopped = true
    this.#awaken()
  }

  close(): Promise<void> {
    return this.#inputs.close()
  }

  /** Ends early, without an error, when something is there and more means to wait or to fail. */
  async #collect(out: unknown[]): Promise<void> {
    while (out.length < this.#pace.max && !this.#stopped) {
      if (!this.#fillUp()) {
        if (out.length > 0) return
        this.#inputs.take() // throws
      }
      const next = this.#nextInTurn()
      if (next?.claim() === true) this.#take(next, this.#params.blockLength, out)
      else if (next === undefined && this.#inUse.length === 0 && this.#inputs.ended) return
      else if (!(await this.#settle(next, out.length > 0))) return
    }
  }

  /** Takes inputs in use until there are as many as should be; false when the next one failed. */
  #fillUp(): boolean {
    while (this.#inUse.length < this.#params.cycleLength && !this.#inputs.ended) {
      if (this.#inputs.fill() !== undefined) return true
      if (this.#inputs.failed) return false
      const next = this.#inputs.take()
      if (next !== undefined) this.#inUse.push(next)
    }
    return true
  }

  /** The next input in turn that has elements, or is known to have ended or failed. */
  #nextInTurn(): NestedInput | undefined {
    for (let k = 0; k < this.#inUse.length; k++) {
      const at = (this.#turn + k) % this.#inUse.length
      const input = this.#inUse[at]
      if (input === undefined || !(input.claim() || input.settled)) continue
      this.#turn = at + 1
      return input
    }
    return undefined
  }

  #take({ ordinal, rows }: NestedInput, count: number, out: unknown[]): void {
    const start = rows.i
    const end = Math.min(rows.n, start + count, start + this.#pace.max - out.length)
    while (rows.i < end) out.push(rows.xs[rows.i++])
    this.#log.took(ordinal, end - start)
    if (end === rows.n) this.#readAhead()
  }

  /** Without an input in turn it waits for one. False when something is there and that is for the next pull. */
  async #settle(over: NestedInput | undefined, hasSome: boolean): Promise<boolean> {
    if (over === undefined) {
      this.#readAhead()
      const waiting = new Promise<void>((resolve) => (this.#wake = resolve))
      if (hasSome && !(await arrived(waiting))) return false
      await waiting
      return true
    }
    const more = await readMore(over, hasSome)
    if (more === false) await this.#retire(over)
    return more !== undefined
  }

  async #retire(input: NestedInput): Promise<void> {
    const at = this.#inUse.indexOf(input)
    this.#inUse.splice(at, 1)
    if (at < this.#turn) this.#turn--
    this.#inputs.forget(this.#oldest())
    await input.close()
  }

  /** Keeps up to `parallelism` inputs reading. */
  #readAhead(): void {
    if (this.#stopped) return
    const { parallelism } = this.#params
    let reading = 0
    for (let k = 0; k < this.#inUse.length && reading < parallelism; k++) {
      const input = this.#inUse[(this.#turn + k) % this.#inUse.length]
      if (input === undefined || input.claim() || input.settled) continue
      if (input.begin() !== undefined) reading++
    }
    this.#inputs.readAhead(parallelism - reading)
  }

  /** Takes what the checkpoint says was taken; false when that is for the next pull. */
  async #takeAgain([ordinal, count]: readonly [number, number], out: unknown[]): Promise<boolean> {
    const hasSome = out.length > 0
    const input = this.#inUse.find((other) => other.ordinal === ordinal)
    if (input?.claim() === true) {
      this.#take(input, count, out)
      return true
    }
    if (input === undefined) return this.#openAgain(ordinal, hasSome)
    const more = await readMore(input, hasSome)
    if (more === false) throw notTheInput(ordinal)
    return more === true
  }

  async #openAgain(ordinal: number, hasSome: boolean): Promise<boolean> {
    if (ordinal < this.#inputs.next) throw notTheInput(ordinal)
    if (!(await this.#inputs.ready(hasSome))) return false
    const next = this.#inputs.take()
    if (next === undefined) throw notTheInput(ordinal)
    this.#inUse.push(next)
    return true
  }

  #awaken(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Ordinal of the oldest input in use. */
  #oldest(): number {
    return this.#inUse.reduce((least, { ordinal }) => Math.min(least, ordinal), Infinity)
  }

  async #reopen([, next, inUse]: readonly Json[]): Promise<void> {
    await this.#inputs.reopen(Number(next), inUse as unknown as InUse, (input) => {
      this.#inUse.push(input)
    })
    this.#restore = undefined
    this.#reopened = this.#state()
  }
}

function notTheInput(ordinal: number): CheckpointMismatchError {
  return new CheckpointMismatchError(
    `interleave: the dataset of element ${ordinal} ended before the checkpoint's position: it is not the one it was`,
  )
}
