import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import { ElementLocal } from '../stream/local.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Pace, Token } from '../stream/operator.ts'
import { type Origin, Origins, span } from '../stream/origin.ts'
import type { SourceReading } from '../stream/spec.ts'
import { turn } from '../stream/turn.ts'
import { codeOf, type SegmentCode } from './code.ts'
import { isOver, type SegmentPlan } from './cut.ts'
import { interpret } from './interpret.ts'
import { type Loop, type LoopEnv, type LoopFailure, LoopState } from './loop.ts'
import { madeOf } from './origins.ts'
import { ShareClock } from './shares.ts'
import { SlowWatch } from './slow.ts'

/** Elements of a source read in one go without looking at the clock: about half a millisecond. */
const STRIDE = 65_536

/** Elements that a loop of a plan made per element interprets before code is generated for it. */
const LATE = 4096

/** Where a segment's generated loops come from. */
interface Generated {
  readonly code: SegmentCode
  readonly env: LoopEnv
  /** Of the code that runs. */
  version: number
  /** Elements to interpret before code is generated. */
  left: number
}

/** Where a batch starts. */
interface Clean {
  readonly position: Token
  readonly state: readonly Json[]
}

/**
 * A source or input and its row operators, run as one loop.
 *
 * Token: [position, elements done of the current expansion, states...], where position is a source's index or
 * an inlet's token. Inside a batch it is that of the batch's start.
 */
export class Segment implements Body {
  readonly #plan: SegmentPlan
  readonly #context: OpenContext
  readonly #pace: Pace
  readonly #inlet: Inlet | undefined
  readonly #length: number
  readonly #gathers: boolean
  /** What source and views made of their chance. */
  readonly #own: readonly unknown[]
  /** Of a source whose elements have to be waited for. */
  readonly #reading: SourceReading | undefined
  #loop: Loop
  #generated: Generated | undefined
  readonly #shares: ShareClock | undefined
  /** Looks for slow functions, where somebody wants to know. */
  #slow: SlowWatch | undefined
  readonly #r: LoopState
  /** The start of the batch in the making. */
  #clean: Clean | undefined
  #held: LoopFailure | undefined
  /** Of the chunk that was handed out last. */
  #origins = new Origins()
  #inputError: { readonly error: unknown; readonly before: Token } | undefined
  #beforeFill: Token = null
  #filling: Promise<boolean> | undefined
  #ended = false

  constructor(
    plan: SegmentPlan,
    node: PlanNode,
    context: OpenContext,
    from: Json | undefined,
    openInput: (from: Json | undefined) => Operator,
  ) {
    const [position, j, ...state] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#plan = plan
    this.#context = context
    this.#pace = context.pace()
    if (plan.source === undefined) {
      this.#inlet = new Inlet(openInput(Inlet.upstreamOf(position)), position)
    }
    this.#length = plan.length
    this.#gathers = plan.ops[plan.ratio]?.spec.rows === 'gather'
    this.#shares = context.meter.shares ? new ShareClock(plan, context.meter) : undefined
    this.#reading = plan.source?.reading?.()
    this.#own = [
      this.#reading ?? plan.source?.own?.(context.chanceOf(plan.input)),
      ...plan.views.map((view) => view.map.own?.(context.chanceOf(view.node))),
    ]
    this.#loop = this.#makeLoop(node)
    this.#r = new LoopState(from === undefined ? [...plan.state] : state)
    if (typeof position === 'number') this.#r.i = position
    if (typeof j === 'number') this.#r.j = j
    this.#r.over = isOver(plan, this.#r.state)
  }

  async pull(): Promise<Chunk | null> {
    if (this.#held !== undefined) throw this.#goOnBehind(this.#held)
    if (this.#inputError !== undefined) throw this.#takeInputError(this.#inputError.error)
    const r = this.#r
    r.out = []
    this.#origins = new Origins()
    r.max = this.#pace.max
    while (r.out.length < r.max && this.#held === undefined) {
      if (this.#ended || r.over) {
        this.#finish()
        break
      }
      const ready =
        this.#inlet === undefined ? await this.#nextStride() : await this.#nextInput(this.#inlet)
      if (!ready) break
    }
    if (r.out.length > 0) return r.out
    if (this.#held !== undefined) throw this.#goOnBehind(this.#held)
    return null
  }

  async close(): Promise<void> {
    await this.#reading?.close()
  }

  tok(): Token {
    const clean = this.#clean
    if (clean !== undefined) return [clean.position, 0, ...clean.state]
    // What a fill in the background found, an error perhaps, was not handed out.
    const unread = this.#filling === undefined ? undefined : this.#beforeFill
    const position = this.#inputError?.before ?? unread ?? this.#inlet?.tok() ?? this.#r.i
    const state = this.#held?.before.state ?? this.#r.state
    return [position, this.#r.j, ...state]
  }

  origin(): Origin {
    return this.#origins.of
  }

  #makeLoop(node: PlanNode): Loop {
    const drew = (): void => this.#context.drew()
    const locals = this.#plan.ops.map((op) =>
      op.wantsLocal
        ? new ElementLocal(this.#context.localKey(op.node), this.#context.signal, drew)
        : undefined,
    )
    const skip: LoopEnv['skip'] = (op, index, x, error) => {
      this.#context.meter.skipped(index, x, error, this.#plan.ops[op]?.node.id)
      this.#context.leftOut(this.tok())
    }
    const env = { locals, own: this.#own, skip }
    if (this.#context.meter.watches && this.#shares === undefined) {
      this.#slow = new SlowWatch(this.#plan, env, this.#context.meter)
    }
    if (this.#shares !== undefined) return interpret(this.#plan, env, this.#shares.onOperator)
    if (this.#context.codegen === 'never') return interpret(this.#plan, env)
    const code = codeOf(node, this.#plan)
    const late = this.#context.codegen === 'late'
    this.#generated = { code, env, version: code.version, left: late ? LATE : 0 }
    return late ? interpret(this.#plan, env) : code.factory(env)
  }

  /** All loops of a segment share their state, so they can take turns between chunks. */
  #changeLoop(generated: Generated, elements: number): void {
    const { left, version, code, env } = generated
    if (left > 0) {
      generated.left -= elements
      if (generated.left > 0) return
    } else if (version === code.version || this.#r.rows > 0) return
    this.#loop = code.factory(env)
    generated.version = code.version
  }

  /** Works on a stretch of a source with random access. */
  async #nextStride(): Promise<boolean> {
    const r = this.#r
    if (r.i >= this.#length) {
      this.#ended = true
      return true
    }
    const count = this.#reading === undefined ? STRIDE : await this.#readyOrHold(this.#reading, r.i)
    if (count === undefined) return false
    r.n = Math.min(this.#length, r.i + count)
    this.#run()
    // A filter that lets nothing through must not keep timers and signals waiting.
    if (r.out.length === 0 && this.#held === undefined) await turn()
    return !this.#context.signal.aborted
  }

  /** How many elements of the source can be made now; undefined when there is something to hand out before an error. */
  async #readyOrHold(reading: SourceReading, from: number): Promise<number | undefined> {
    try {
      return await reading.ready(this.#pace.max, (k) =>
        from + k < this.#length ? this.#positionBehind(0, from + k) : undefined,
      )
    } catch (error) {
      if (this.#r.out.length === 0) throw this.#takeInputError(error)
      return undefined // the next pull meets it again
    }
  }

  /** Works on what the inlet has; false when the chunk should be handed out before more is waited for. */
  async #nextInput(inlet: Inlet): Promise<boolean> {
    if (inlet.i < inlet.n) {
      this.#filling = undefined // it came while the reader was busy
    } else {
      const more = await this.#fillOrHold(inlet)
      if (more === undefined) return false
      if (!more) {
        this.#ended = true
        return true
      }
    }
    const r = this.#r
    r.xs = inlet.xs
    r.i = inlet.i
    r.n = inlet.n
    this.#run()
    inlet.i = r.i
    if (r.i >= r.n) r.xs = [] // large elements must not outlive their turn
    return true
  }

  /** An error of the input surfaces behind what this segment made of the elements before it. */
  async #fillOrHold(inlet: Inlet): Promise<boolean | undefined> {
    const before = this.#filling === undefined ? inlet.tok() : this.#beforeFill
    this.#beforeFill = before
    try {
      return await this.#fill(inlet)
    } catch (error) {
      this.#filling = undefined
      if (this.#r.out.length === 0) throw this.#takeInputError(error)
      this.#inputError = { error, before }
      return undefined
    }
  }

  /** Half a batch ends with an error above it, as in tf.data. */
  #takeInputError(error: unknown): unknown {
    this.#inputError = undefined
    this.#r.pending = []
    this.#r.rows = 0
    this.#clean = undefined
    return error
  }

  /** Undefined when there is something to hand out and the input lets wait. */
  async #fill(inlet: Inlet): Promise<boolean | undefined> {
    const have = this.#r.out.length
    if (have * 4 >= this.#r.max) return undefined
    const filled = this.#filling ?? inlet.fill()
    if (typeof filled === 'boolean') return filled
    if (have > 0) {
      filled.catch(() => undefined) // awaited below now, or by the next pull
      this.#filling = filled
      const first = await Promise.race([filled.catch(() => true), turn().then(() => undefined)])
      if (first === undefined) return undefined
    }
    this.#filling = undefined
    return filled
  }

  #run(): void {
    const r = this.#r
    const had = r.out.length
    const batchStart = this.#gathers ? (this.#clean ?? this.#here()) : undefined
    const from = r.i
    const half = r.pending.length + r.rows
    const pace = this.#pace
    const loop = this.#slow?.loop(this.#loop, r) ?? this.#loop
    pace.start()
    this.#shares?.begin()
    loop.run(r)
    const made = r.out.length - had
    if (made > 0) {
      const range = { from, to: r.i, made, half }
      this.#origins.add(had, madeOf(this.#plan, range, this.#originIn()))
    }
    if (this.#generated !== undefined) this.#changeLoop(this.#generated, r.i - from)
    this.#shares?.end(made)
    pace.note(made, r.out[r.out.length - 1])
    if (this.#shares === undefined) {
      this.#context.meter.busy(pace.started, made, undefined, pace.ended)
    }
    this.#slow?.note(pace.ended - pace.started)
    if (batchStart !== undefined) this.#noteClean(batchStart)
    this.#noteFailure()
  }

  #here(): Clean {
    const { i, state } = this.#r
    return { position: this.#inlet?.at(i) ?? i, state: [...state] }
  }

  /** Inside a batch, or when one failed, the state to report is that of the batch's start. */
  #noteClean(batchStart: Clean): void {
    const { pending, rows, cleanI, cleanState, failed } = this.#r
    if (pending.length === 0 && rows === 0 && failed === undefined) {
      this.#clean = undefined
    } else if (cleanI < 0) {
      this.#clean = batchStart
    } else {
      this.#clean = { position: this.#inlet?.at(cleanI) ?? cleanI, state: cleanState }
    }
  }

  #noteFailure(): void {
    const failed = this.#r.failed
    if (failed === undefined) return
    this.#r.failed = undefined
    this.#held = failed
    this.#r.j = failed.before.j
  }

  #finish(): void {
    const r = this.#r
    this.#loop.flush(r)
    this.#noteFailure()
    if (this.#held === undefined) this.#clean = undefined
  }

  /** Of the elements at places of the source, or of the chunk that is being read. */
  #originIn(): Origin | undefined {
    if (this.#inlet !== undefined) return this.#inlet.origin()
    const { source, input } = this.#plan
    return (i) => {
      const position = this.#positionBehind(0, i)
      return source?.origin?.(position) ?? `${input.id}[${position}]`
    }
  }

  /** Of a failed element; one that a batch was made for came from several. */
  #originOf({ op, before }: LoopFailure): string | undefined {
    const of = this.#ended && this.#inlet !== undefined ? undefined : this.#originIn()
    const { i } = before
    if (!this.#gathers || op <= this.#plan.ratio || of === undefined) return of?.(i)
    const last = of(this.#ended ? i - 1 : i)
    const start = this.#clean?.position
    if (typeof start === 'number') return span(of(start), last)
    const [chunk, place] = start as readonly [Token, number]
    const here = this.#inlet?.at(0) as readonly [Token] | undefined
    return span(here?.[0] === chunk ? of(place) : undefined, last)
  }

  /** The error of an element; what comes after it is read by the next pull. */
  #goOnBehind(failed: LoopFailure): ElementFailure {
    const r = this.#r
    const source = this.#originOf(failed)
    this.#held = undefined
    this.#clean = undefined
    const op = this.#plan.ops[failed.op]
    const position =
      this.#inlet === undefined
        ? this.#positionBehind(op?.views, failed.before.i)
        : this.#inlet.ordinal
    const index = failed.index ?? position
    r.pending = []
    r.rows = 0
    r.i = failed.after.i
    r.j = failed.after.j
    r.over = isOver(this.#plan, failed.after.state)
    r.state.splice(0, r.state.length, ...failed.after.state)
    if (this.#inlet !== undefined && !this.#ended)
      this.#inlet.i = Math.min(failed.after.i, this.#inlet.n)
    return new ElementFailure(index, failed.error, { node: op?.node, source })
  }

  /** The position that an operator above so many views, of all, knows an element by. */
  #positionBehind(count: number | undefined, i: number): number {
    const { views } = this.#plan
    let position = i
    for (let k = views.length - 1; k >= (count ?? views.length); k--) {
      position = views[k]?.map.at(position, this.#own[k + 1]) ?? 0
    }
    return position
  }
}
