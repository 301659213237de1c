import type { Chunk, Meter, OpenContext, Pace, Token } from '../stream/operator.ts'
import type { Share } from '../stream/memory.ts'
import type { IdleReason } from '../stream/tuning.ts'
import type { Failures } from './work-failures.ts'
import type { WorkInput } from './work-input.ts'
import type { Desk, Failure, Results, Run, Runner } from './work.ts'

/** Finished elements that may wait for their turn, apart from those under way; fewer when they are large. */
const MAX_WAITING = 1024

/** Results between two looks at the clock, and at the size of one. */
const LOOK = 32

/** Milliseconds after which calls that settle without waiting let the event loop turn. */
const TURN_MS = 10

interface EdgeParts {
  readonly context: OpenContext
  readonly input: WorkInput
  readonly results: Results
  readonly failures: Failures
  readonly runner: Runner
}

/**
 * Elements under way in lanes, and what came of them. In flight and waiting for their turn are bounded apart: a
 * window as small as the parallelism halves the speed when calls differ in length.
 *
 * What finishes within one turn of the event loop is handed out together: waking the reader for each element
 * costs more than the element does.
 */
export class WorkEdge implements Desk {
  item: unknown
  ordinal = 0
  readonly #input: WorkInput
  readonly #results: Results
  readonly #runner: Runner
  readonly #failures: Failures
  readonly #pace: Pace
  readonly #meter: Meter
  /** How many results the reader may still hold when it asks for more; undefined where they are its own. */
  readonly #holds: number | undefined
  readonly #share: Share
  /** Results between two looks. */
  readonly #pause: number
  readonly #rests: Run[] = []
  /** Numbers of lanes that are not running. */
  readonly #parked: number[] = []
  /** Largest number of a lane so far. */
  #widest = 0
  readonly #onInput = (): void => this.#arrived()
  active = 0
  #room = MAX_WAITING
  #looks = 0
  /** Elements that may begin before the rules are asked again. */
  #allowed = 0
  #wake: (() => void) | undefined
  #allParked: (() => void) | undefined
  /** When a turn of the event loop was asked for; undefined when none is due. */
  #turnAsked: number | undefined
  /** The loop turned since the reader began to wait. */
  #turned = false
  /** Nothing begins before the loop has turned. */
  #resting = false
  /** Nothing begins before a failure was handed out, except for what is handed out before it. */
  #halted = false
  #stopped = false

  constructor({ context, input, results, failures, runner }: EdgeParts) {
    this.#input = input
    this.#results = results
    this.#runner = runner
    this.#failures = failures
    this.#pace = context.pace()
    this.#meter = context.meter
    this.#holds = context.loan?.holds
    this.#share = context.share()
    this.#pause = this.#share.isHard ? 1 : LOOK
    if (this.#share.isHard) this.#room = 1 // until it is known how large results are
  }

  async pull(): Promise<Chunk | null> {
    this.#turned = false
    if (this.#holds !== undefined) this.#runner.reuse?.(this.#results.low - this.#holds)
    for (;;) {
      this.#feed()
      if (this.#stopped) return null
      if (this.#due()) {
        const out: unknown[] = []
        const failure = this.#collect(out)
        if (out.length > 0) return out
        if (failure !== undefined && !(await this.#failures.bury(failure))) {
          throw this.#errorOf(failure)
        }
      } else if (this.#over()) {
        const failed = this.#input.takeError()
        if (failed !== undefined) throw failed.error
        this.#results.end()
        return null
      } else {
        await this.#news()
      }
    }
  }

  tok(): Token {
    return this.#input.tok(this.#results.low)
  }

  /** What is under way, in words; undefined when nothing is. */
  waits(): string | undefined {
    if (this.active === 0) return undefined
    return (
      this.#runner.waits?.() ??
      `calls under way: ${this.active}, the first for element ${this.#results.low}`
    )
  }

  stop(): void {
    this.#stopped = true
    this.#allowed = 0
    this.#input.stop()
    this.#runner.stop?.()
    this.#awaken()
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#input.settled()
    if (this.active === 0) return
    await new Promise<void>((resolve) => (this.#allParked = resolve))
  }

  take(): boolean {
    if (this.#allowed === 0 && !this.#mayBegin()) return false
    this.#allowed--
    this.ordinal = this.#input.next
    this.item = this.#input.take()
    if (this.#share.isHard) this.#weigh(this.item)
    return true
  }

  takeRun(max: number): Run | undefined {
    const rest = this.#mayGoOn() ? this.#rests.pop() : undefined
    if (rest !== undefined) return rest
    if (!this.#mayBegin()) return undefined
    const input = this.#input
    const first = input.next
    const items: unknown[] = []
    for (; items.length < max && this.#allowed > 0; this.#allowed--) {
      items.push(input.take())
      if (this.#share.isHard) this.#weigh(items.at(-1))
    }
    return { first, items }
  }

  put(ordinal: number, value: unknown): void {
    this.#results.put(ordinal, value)
    if (this.#looks++ % this.#pause === 0) this.#look(value)
    if (this.#wake !== undefined) this.#tell()
  }

  fail(failure: Failure): void {
    if (this.#failures.halts(failure)) {
      this.#halted = true
      this.#allowed = 0
    }
    this.#results.fail(failure)
    if (this.#wake !== undefined) this.#tell()
  }

  giveBack(rest: Run): void {
    this.#rests.push(rest)
  }

  widen(): void {
    if (this.active < this.#runner.width) this.#feed()
  }

  park(lane: number): void {
    this.#parked.push(lane)
    this.#meter.laneRests(this.#idle)
    if (--this.active > 0) return
    this.#awaken()
    this.#allParked?.()
  }

  /** Starts lanes while there is something for them. */
  #feed(): void {
    while (this.active < this.#runner.width && (this.#mayBegin() || this.#mayGoOn())) {
      this.active++
      this.#meter.laneBegins()
      const lane = this.#parked.pop() ?? ++this.#widest
      this.#runner.lane(this, lane)
    }
  }

  /** Why a lane has nothing to do. */
  get #idle(): IdleReason {
    return this.#input.left === 0 ? 'input' : 'room'
  }

  get #held(): boolean {
    return this.#stopped || (this.#halted && !this.#results.repeats)
  }

  #mayGoOn(): boolean {
    return this.#rests.length > 0 && !this.#held
  }

  /** True when the next element is here and may begin. */
  #mayBegin(): boolean {
    if (this.#allowed > 0) return true
    if (this.#held || this.#resting) return false
    const input = this.#input
    for (;;) {
      if (input.left === 0) {
        input.read(this.#onInput)
        return false
      }
      const room = this.#halted ? 0 : this.#room
      const allowed = Math.min(input.left, this.#results.admits(input.next, room))
      if (allowed === 0) return false
      if (allowed > 1 || !this.#results.leavesOut(input.next)) {
        this.#allowed = allowed
        return true
      }
      input.take()
    }
  }

  /** True when the reader should get what there is. */
  #due(): boolean {
    const { ready } = this.#results
    if (ready === 0) return false
    return this.#turned || ready * 4 >= this.#pace.max || this.active === 0
  }

  #over(): boolean {
    const { ready } = this.#results
    if (ready > 0 || this.active > 0 || this.#rests.length > 0) return false
    return !this.#input.filling && this.#input.left === 0 && !this.#resting
  }

  /** Moves results to `out`, up to the failure that it returns. */
  #collect(out: unknown[]): Failure | undefined {
    const max = Math.min(this.#pace.max, this.#chunk)
    let failure = this.#results.collect(out, max)
    while (failure !== undefined && this.#failures.skip(failure)) {
      failure = this.#results.collect(out, max)
    }
    this.#pace.note(out.length, out[0])
    this.#feed() // the reader may be busy for long
    return failure
  }

  #errorOf(failure: Failure): unknown {
    const error = this.#failures.errorOf(failure)
    if (error !== failure.error) this.#halted = false
    return error
  }

  #arrived(): void {
    this.#feed()
    if (this.active === 0) this.#awaken()
  }

  async #news(): Promise<void> {
    if (this.#results.ready > 0) this.#askTurn()
    await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  /** A result came while the reader waits. */
  #tell(): void {
    const { ready } = this.#results
    if (ready === 0) return
    if (ready * 4 >= this.#pace.max) this.#awaken()
    else this.#askTurn()
  }

  /** Elements in the hand of the reader at most, of those that its share has room for. */
  get #chunk(): number {
    return this.#share.isHard ? Math.max(1, Math.floor(this.#share.room / 4)) : Infinity
  }

  #weigh(element: unknown): void {
    const before = this.#room
    this.#share.weigh(element)
    if (this.#looks === 0) return
    const most = this.#runner.room?.() ?? MAX_WAITING
    this.#room = Math.max(1, Math.min(most, this.#share.room - this.#chunk))
    this.#allowed = Math.max(0, this.#allowed + Math.min(0, this.#room - before))
  }

  #look(value: unknown): void {
    if (this.#share.isHard) this.#weigh(value)
    else {
      const runner = this.#runner
      this.#share.weigh(value)
      const least = Math.max(8, 2 * runner.width * runner.group())
      this.#room = runner.room?.() ?? Math.max(least, Math.min(MAX_WAITING, this.#share.room))
    }
    this.#allowed = 0
    if (this.#turnAsked === undefined) this.#askTurn()
    else if (performance.now() - this.#turnAsked > TURN_MS) this.#resting = true
  }

  #askTurn(): void {
    if (this.#turnAsked !== undefined) return
    this.#turnAsked = performance.now()
    setImmediate(() => {
      this.#turnAsked = undefined
      this.#turned = true
      this.#resting = false
      this.#feed()
      this.#awaken()
    })
  }

  #awaken(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
