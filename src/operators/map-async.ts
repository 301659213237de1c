import { messageOf, WorkerDiedError } from '../errors/index.ts'
import { type CallPolicy, endsRun } from '../limit/calls.ts'
import type { PlanNode } from '../plan/node.ts'
import { SkipLog } from '../stream/decisions.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import type { PlacedStage } from '../stream/pool.ts'
import { keyOfText } from '../stream/random.ts'
import {
  type JunctionSpec,
  sameCardinality,
  unknownCardinality,
  type UserFn,
} from '../stream/spec.ts'
import { callRunner, invokeOf, policyRunner } from './work-calls.ts'
import { pooledPolicyRunner, poolRunner } from './work-pool.ts'
import type { Failed, Runner, Task } from './work.ts'

export interface MapAsyncParams {
  /** An asynchronous function, or a stage with the place that runs it. */
  readonly fn: UserFn | PlacedStage
  /** Calls under way at most, for functions. */
  readonly parallelism: number
  readonly onError: 'fail' | 'skip' | 'deadLetter'
  /** Elements that may be left out before the run fails. */
  readonly maxErrors?: number
  /** How calls to the world are made. */
  readonly policy?: CallPolicy
}

export const mapAsyncSpec: JunctionSpec<MapAsyncParams> = {
  op: 'mapAsync',
  kind: 'junction',
  summary:
    'Calls an asynchronous function, or a stage on threads, on several elements at once; order is kept.',
  tfData: 'map with num_parallel_calls, deterministic',
  structure: ({ fn }) =>
    typeof fn === 'function' ? {} : { stage: fn.address, config: hashOf(fn.config) },
  cardinality: ({ onError }, inputs) =>
    onError === 'fail' ? sameCardinality(undefined, inputs) : unknownCardinality(undefined, inputs),
  traits: ({ fn, parallelism }) => ({
    runs:
      typeof fn === 'function'
        ? `${parallelism} calls at once, order kept`
        : `on ${fn.place}, order kept`,
    resume: 'repeats the calls that were under way',
  }),
  open: (node, context, from) => new MapAsync(node, context, from),
}

/** Finished elements that may wait for their turn, apart from those under way; see `waitingRoom`. */
const MAX_WAITING = 1024

/**
 * Calls under way, in order: a queue of tasks, each some neighbouring elements. What is finished at the head
 * is handed out. In flight and waiting for their turn are bounded apart: a window as small as the parallelism
 * halves the speed when calls differ in length.
 *
 * Token: [inlet state of the first element not handed out, elements left out since, and how many before].
 */
class MapAsync implements Body {
  readonly #node: PlanNode<MapAsyncParams>
  readonly #context: OpenContext
  readonly #inlet: Inlet
  readonly #pace: Pace
  readonly #skips: SkipLog
  readonly #queue: Task[] = []
  #runner: Runner | undefined
  /** Elements left out so far. */
  #errors: number
  /** Dead letters on their way to where they are kept. */
  #buried: Promise<void> | undefined
  #underWay = 0
  #waiting = 0
  #fill: Promise<void> | undefined
  #inputEnded = false
  #inputError: { readonly error: unknown; readonly before: Token } | undefined
  #halted = false
  #stopped = false
  #wake: (() => void) | undefined

  constructor(node: PlanNode<MapAsyncParams>, context: OpenContext, from: Json | undefined) {
    const [state, decisions, errors] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#errors = typeof errors === 'number' ? errors : 0
    this.#node = node
    this.#context = context
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#pace = context.pace()
    this.#skips = new SkipLog(decisions)
  }

  async pull(): Promise<Chunk | null> {
    this.#runner ??= await this.#start()
    for (;;) {
      this.#feed()
      const out: unknown[] = []
      const failure = this.#collect(out)
      this.#pace.note(out.length, out[0])
      if (this.#buried !== undefined) await this.#takeBuried()
      if (out.length > 0) return out
      if (failure !== undefined) throw failure
      if (this.#queue.length === 0 && this.#fill === undefined) {
        if (this.#inputError !== undefined) throw this.#takeInputError()
        if (this.#inputEnded) return null
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  tok(): Token {
    const head = this.#queue[0]
    const [state, decisions] = this.#skips.token(
      head === undefined ? (this.#inputError?.before ?? this.#inlet.tok()) : advanced(head),
    )
    return this.#errors === 0 ? [state, decisions] : [state, decisions, this.#errors]
  }

  stop(): void {
    this.#stopped = true
    this.#inputEnded = true
    this.#runner?.stop?.()
    this.#awaken()
  }

  async close(): Promise<void> {
    await this.#fill
    await Promise.all(this.#queue.map((task) => task.settled))
  }

  async #start(): Promise<Runner> {
    const { fn, parallelism, policy } = this.#node.params
    const context = this.#context
    if (typeof fn !== 'function') {
      return policy === undefined
        ? poolRunner(fn, context)
        : pooledPolicyRunner(fn, policy, context)
    }
    return policy === undefined
      ? callRunner(fn, parallelism, context, this.#node)
      : policyRunner(invokeOf(fn, context.key), policy, context)
  }

  /** Starts tasks while there is input, a free worker and room for results. */
  #feed(): void {
    const runner = this.#runner
    if (runner === undefined || this.#halted || this.#stopped) return
    while (this.#underWay < runner.width && this.#waiting < waitingRoom(runner)) {
      if (this.#inlet.i < this.#inlet.n) this.#begin(runner)
      else if (this.#inputEnded || this.#inputError !== undefined || !this.#read()) return
    }
  }

  /** Gets the next chunk of input in the background; true when it is there already. */
  #read(): boolean {
    if (this.#fill !== undefined) return false
    const before = this.#inlet.tok()
    const filled = this.#inlet.fill()
    if (filled === true) return true
    this.#fill = Promise.resolve(filled).then(
      (more) => this.#readDone(more),
      (error: unknown) => {
        this.#inputError = { error, before }
        this.#readDone(true)
      },
    )
    return false
  }

  #readDone(more: boolean): void {
    this.#fill = undefined
    if (!more) this.#inputEnded = true
    if (this.#inputError === undefined) this.#feed()
    this.#awaken()
  }

  #begin(runner: Runner): void {
    const { inlet, skips } = { inlet: this.#inlet, skips: this.#skips }
    const first = inlet.ordinal
    const before = inlet.tok()
    if (skips.isSkipped(first)) {
      inlet.i++
      this.#queue.push({
        before,
        first,
        items: [undefined],
        values: [],
        done: 1,
        skipped: true,
        settled: DONE,
      })
      return
    }
    let end = Math.min(inlet.n, inlet.i + runner.group())
    for (let k = inlet.i + 1; k < end; k++) if (skips.isSkipped(first + k - inlet.i)) end = k
    const items = inlet.xs.slice(inlet.i, end)
    inlet.i = end
    const task: Task = { before, first, items, values: [], done: 0, skipped: false, settled: DONE }
    this.#queue.push(task)
    this.#underWay++
    this.#waiting += items.length
    task.settled = runner.run(task, () => this.#finished(task))
  }

  #finished(task: Task): void {
    this.#underWay--
    const { failed } = task
    if (failed && (this.#node.params.onError === 'fail' || endsRun(failed.error)))
      this.#halted = true
    if (this.#queue[0] === task) this.#awaken()
    else this.#feed()
  }

  /** Moves what is finished at the head of the queue to `out`; an error surfaces at its position. */
  #collect(out: unknown[]): unknown {
    for (
      let task = this.#queue[0];
      task !== undefined && out.length < this.#pace.max;
      task = this.#queue[0]
    ) {
      for (; task.done < task.values.length && out.length < this.#pace.max; task.done++) {
        this.#skips.decide(task.first + task.done)
        out.push(task.values[task.done])
      }
      if (task.done < task.values.length) break
      if (task.failed !== undefined) {
        if (!this.#maySkip(task) && out.length > 0) return undefined
        const failure = this.#settleFailure(task, task.failed)
        if (failure !== undefined) return failure
      } else if (task.done < task.items.length) break
      else {
        if (task.skipped) {
          this.#skips.skip(task.first)
          this.#errors++
        }
        this.#drop(task)
      }
    }
    return undefined
  }

  #maySkip(task: Task): boolean {
    const ordinal = task.first + task.values.length
    const { onError, maxErrors = Infinity } = this.#node.params
    if (isLast(task.failed?.error) || onError === 'fail') return false
    return this.#errors < maxErrors && !this.#skips.mustSucceed(ordinal)
  }

  /** Leaves out the failed element or makes its error; what is behind it in the task is tried anew. */
  #settleFailure(task: Task, failed: Failed): unknown {
    const { error, attempts = 1 } = failed
    if (isLast(error)) return error
    const at = task.values.length
    const skip = this.#maySkip(task)
    const ordinal = task.first + at
    this.#drop(task)
    const rest = task.items.slice(at + 1)
    if (rest.length > 0) this.#retryRest(task, rest, at + 1)
    if (!skip) {
      this.#halted = false
      return new ElementFailure(ordinal, this.#lastError(error))
    }
    this.#skips.skip(ordinal)
    this.#errors++
    if (this.#node.params.onError === 'skip') {
      this.#context.meter.skipped(ordinal, task.items[at], error)
    } else this.#bury(this.#context.deadLetter(ordinal, task.items[at], error, attempts))
    return undefined
  }

  #lastError(error: unknown): unknown {
    const { onError, maxErrors } = this.#node.params
    if (onError === 'fail' || maxErrors === undefined || this.#errors < maxErrors) return error
    return new Error(`${messageOf(error)} (maxErrors: ${maxErrors} were left out before)`, {
      cause: error,
    })
  }

  #bury(putting: void | Promise<void>): void {
    if (putting === undefined) return
    putting.catch(() => undefined) // the pull that waits for it has the error
    this.#buried = Promise.all([this.#buried, putting]).then(() => undefined)
  }

  async #takeBuried(): Promise<void> {
    const buried = this.#buried
    this.#buried = undefined
    await buried
  }

  #retryRest(task: Task, items: readonly unknown[], offset: number): void {
    const before = advanced({ ...task, done: offset })
    const rest: Task = {
      before,
      first: task.first + offset,
      items,
      values: [],
      done: 0,
      skipped: false,
      settled: DONE,
    }
    this.#queue.unshift(rest)
    this.#underWay++
    this.#waiting += items.length
    if (this.#runner !== undefined)
      rest.settled = this.#runner.run(rest, () => this.#finished(rest))
  }

  #drop(task: Task): void {
    this.#queue.shift()
    if (!task.skipped) this.#waiting -= task.items.length
  }

  #takeInputError(): unknown {
    const error = this.#inputError?.error
    this.#inputError = undefined
    return error
  }

  #awaken(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

const DONE = Promise.resolve()

function hashOf(config: unknown): number {
  return config === undefined ? 0 : keyOfText(JSON.stringify(config))
}

/** True for errors that no policy lets the run go on behind: they stay where they are. */
function isLast(error: unknown): boolean {
  return error instanceof WorkerDiedError || endsRun(error)
}

/** The inlet's state at the first element of a task that was not handed out. */
function advanced(task: Task): Token {
  const [up, offset, ordinal] = task.before as readonly [Token, number, number]
  return [up, offset + task.done, ordinal + task.done]
}

function waitingRoom(runner: Runner): number {
  return Math.max(2 * runner.width * runner.group(), Math.min(MAX_WAITING, runner.room()))
}
