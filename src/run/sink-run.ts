import { randomUUID } from 'node:crypto'
import {
  BudgetError,
  CheckpointMismatchError,
  DataError,
  InvalidArgumentError,
  SinkUnavailableError,
  StorageError,
} from '../errors/index.ts'
import { specOf } from '../operators/table.ts'
import { failureOf } from '../http/index.ts'
import { nodesOf, type PlanNode } from '../plan/node.ts'
import { systemClock, sleep } from '../stream/clock.ts'
import type { Costs } from '../stream/budget.ts'
import type { CallStore } from '../stream/call-store.ts'
import type { Json } from '../stream/operator.ts'
import type { Sink } from '../stream/sink.ts'
import { type ChangeCounts, forgetPass, type PassMark } from './changes/pass.ts'
import { checkedWayOf, type Way, wayOf } from './changes/way.ts'
import { linesOf } from './checkpoint.ts'
import { cardinalityOf } from './explain/facts.ts'
import type { IterateOptions } from './iteration.ts'
import { takeLock } from './lock.ts'
import { RecentCalls } from './recent-calls.ts'
import type { StageMetrics } from './metrics.ts'
import {
  checkChance,
  checkComplete,
  checkInputs,
  checkLines,
  type Inputs,
  type Kept,
  linesOfRun,
  type RunState,
  StateFolder,
} from './state.ts'
import { stopAfter } from './time-limit.ts'
import type { Every } from './schedule.ts'
import { type Measured, Transfer } from './transfer.ts'
import type { Duration } from '../stream/duration.ts'

/** How to run a dataset into its sink. */
export interface SinkRunOptions extends IterateOptions {
  /**
   * Folder that keeps how far the run has come: the same call goes on there after a crash, and does nothing after the
   * end. Default: none, then every call starts anew.
   */
  readonly state?: string
  /** True forgets what the state folder holds, and starts anew. Default false. */
  readonly restart?: boolean
  /** Stops after this time, as cleanly as a signal does; the run then rejects with `OutOfTimeError`. */
  readonly maxTime?: Duration
  /**
   * When the position is committed so that it survives a loss of power: after so many elements, or milliseconds,
   * whichever comes first. Default: as often as that takes 3 % of the time, but not more often than every 200 ms. For
   * the end of the process it is committed every some milliseconds.
   */
  readonly every?: Every
  /** True puts the plan with what was measured into the summary, as text. Default false. */
  readonly explain?: boolean
}

/** What came of a run. */
export interface RunSummary {
  /** Names the run: the same in all processes that worked on it. */
  readonly run: string
  /** Elements in the sink, of all processes. */
  readonly delivered: number
  /** Elements that were left out by policy. */
  readonly skipped: number
  /** Elements that went to the dead letters. */
  readonly deadLetters: number
  /** Elements that were in the sink before; 0 for a run from the start. */
  readonly resumedAt: number
  /** What this process took. */
  readonly seconds: number
  /** True when the run had been finished before, and nothing was done. */
  readonly alreadyDone: boolean
  /** Elements whose result was kept from an earlier call, in this process. */
  readonly cached: number
  /** What calls of this process cost, by meter, and their number as `requests`. */
  readonly spent: Costs
  /** With `onlyChanged`: what this run found, of all processes. */
  readonly changes?: ChangeCounts
  /** What each stage did in this process; empty when nothing was left to do. */
  readonly stages: readonly StageMetrics[]
  /** Which of them, or the sink, was slowest, and what to do about it. */
  readonly slowest?: string
  /** With the option `explain`: the plan with what was measured. */
  readonly explained?: string
}

/** Tries to open a sink again, without progress in between, before a run gives up. */
const TRIES = 8
/** Milliseconds before the first of them; each waits twice as long. */
const WAIT = 250

/**
 * Writes the elements of a plan to a sink, from where the last process stopped.
 *
 * @throws LockedError when another process runs it; CheckpointMismatchError when the state is another pipeline's.
 */
export async function runToSink<T>(
  root: PlanNode,
  sink: Sink<T>,
  options: SinkRunOptions,
): Promise<RunSummary> {
  const start = performance.now()
  if (options.state === undefined) {
    if (checkedWayOf(root) !== undefined) throw nothingKept()
    return new SinkRun(root, sink, options, start, undefined).run()
  }
  const folder = await StateFolder.open(options.state)
  const lock = await takeLock(folder.path)
  try {
    return await new SinkRun(root, sink, options, start, folder).run()
  } finally {
    await lock.release()
  }
}

class SinkRun<T> {
  readonly #root: PlanNode
  readonly #sink: Sink<T>
  readonly #options: SinkRunOptions
  readonly #start: number
  readonly #folder: StateFolder | undefined
  readonly #lines: readonly string[]
  #calls: RecentCalls | undefined
  /** With `onlyChanged`: then each run is another pass, and compares with the last. */
  readonly #way: Way | undefined
  /** The last state that is certain; later ones survive a process, but no loss of power. */
  #durable: RunState | undefined

  constructor(
    root: PlanNode,
    sink: Sink<T>,
    options: SinkRunOptions,
    start: number,
    folder: StateFolder | undefined,
  ) {
    this.#root = root
    this.#sink = sink
    this.#options = options
    this.#start = start
    this.#folder = folder
    this.#lines = linesOfRun(root, sink)
    this.#way = checkedWayOf(root)
  }

  async run(): Promise<RunSummary> {
    const state = await this.#begin()
    if (state.finished !== null) return this.#alreadyDone(state, state.finished)
    const limit = stopAfter(this.#options.maxTime, this.#options.signal)
    try {
      const summary = await this.#workOrAnew(state, limit.signal)
      await this.#forgetCalls()
      return summary
    } catch (error) {
      if (!limit.signal.aborted && !passes(error)) await this.#forgetCalls().catch(() => undefined)
      // Without a state folder nobody can go on from here.
      // What became of the run counts more than that of its remains.
      if (this.#folder === undefined) await this.#sink.discard?.(state.run).catch(() => undefined)
      throw error
    } finally {
      await this.#calls?.close().catch(() => undefined) // what it did not keep, its stage has told
      limit.clear()
    }
  }

  /** The state to go on from; a new one is saved before anything is written. */
  async #begin(): Promise<RunState> {
    const { latest: known, durable } = await this.#known()
    this.#durable = durable
    if (known !== undefined && this.#options.restart !== true) {
      checkLines(known, this.#lines, this.#folder?.path ?? '')
      checkChance(known, this.#options)
      const inputs = await inputsOf(this.#root)
      if (this.#way !== undefined && !isGoingOn(known, inputs)) return this.#nextPass(known)
      checkInputs(known, inputs)
      return known
    }
    if (known?.finished === null) await this.#sink.discard?.(known.run)
    await this.#folder?.removeCalls()
    const { changes } = known ?? {}
    const state = await this.#new({
      ...(this.#way && { changes: { pass: (changes?.pass ?? 0) + 1, base: null } }),
    })
    for (const pass of [changes, changes?.base]) await this.#forget(pass)
    return state
  }

  /** A new run, saved before anything is written. */
  async #new(more: Partial<RunState>): Promise<RunState> {
    const { seed = 0, epoch = 0 } = this.#options
    const state: RunState = {
      v: 1,
      run: randomUUID(),
      lines: this.#lines,
      inputs: this.#folder === undefined ? [] : await inputsOf(this.#root),
      seed,
      epoch,
      position: null,
      sink: null,
      finished: null,
      ...more,
    }
    await this.#folder?.save(state, 'durable')
    this.#durable = state
    return state
  }

  /** What the folder holds; who starts anew needs not understand it. */
  async #known(): Promise<Kept> {
    try {
      return (await this.#folder?.load()) ?? {}
    } catch (error) {
      if (this.#options.restart === true && error instanceof CheckpointMismatchError) return {}
      throw error
    }
  }

  /**
   * With `onlyChanged`: the run behind one that was finished, or whose input has changed meanwhile; the latter is given
   * up, and its elements are new again.
   */
  async #nextPass(known: RunState): Promise<RunState> {
    const { finished, changes, retries = 0, seed, epoch } = known
    if (finished === null) await this.#sink.discard?.(known.run)
    else {
      await this.#checkThere(known, finished)
      await this.#folder?.removeCalls()
    }
    await this.#giveUpRetry(retries + 1)
    const done = finished === null ? changes?.base : changes?.done
    const behind = finished === null ? known.behind : known.sink
    const state = await this.#new({
      seed,
      epoch,
      ...(behind !== undefined && { behind }),
      // Elements whose letters these are come again.
      retries: retries + 1,
      changes: { pass: (changes?.pass ?? 0) + 1, base: done ?? null },
    })
    if (finished === null) await this.#forget(changes)
    await this.#folder?.removeLetters(retries)
    return state
  }

  /** A retry of dead letters that was not brought to its end: their elements come again. */
  async #giveUpRetry(number: number): Promise<void> {
    const retry = await this.#folder?.loadRetry(number)
    if (retry === undefined) return
    await this.#sink.discard?.(retry.run)
    await this.#folder?.removeRetry(number)
  }

  /** @throws DataError when the output of a finished run is gone. */
  async #checkThere(state: RunState, finished: string): Promise<void> {
    const missing = await this.#sink.missing?.(state.sink)
    if (missing !== undefined) {
      const retry = await this.#folder?.loadRetry((state.retries ?? 0) + 1)
      if (retry?.run.startsWith(state.run) === true) {
        throw new DataError(
          'its dead letters were being tried again when the process died; go on with that: millstream dead retry FILE',
        )
      }
      throw new DataError(
        `the run was finished at ${finished}, but ${missing} since; start anew (--restart)`,
      )
    }
  }

  async #alreadyDone(state: RunState, finished: string): Promise<RunSummary> {
    await this.#checkThere(state, finished)
    const summary = this.#summary(state, state.position?.delivered ?? 0, undefined)
    return { ...summary, alreadyDone: true }
  }

  /** With `onlyChanged` a pass that cannot go on where it stopped, because something has changed, is begun anew. */
  async #workOrAnew(begun: RunState, signal: AbortSignal): Promise<RunSummary> {
    try {
      return await this.#work(begun, signal)
    } catch (error) {
      if (this.#way === undefined || !(error instanceof CheckpointMismatchError)) throw error
      const { latest } = (await this.#folder?.load()) ?? {}
      if (latest === undefined || latest.finished !== null) throw error
      return this.#work(await this.#nextPass(latest), signal)
    }
  }

  /** A sink that cannot be reached any more is opened again, where it was committed last. */
  async #work(begun: RunState, signal: AbortSignal): Promise<RunSummary> {
    let state = begun
    let resumedAt: number | undefined
    for (let tries = 0; ;) {
      const transfer = new Transfer(this.#root, this.#sink, state, {
        ...this.#options,
        signal,
        keptCalls: this.#folder && this.#keptCalls(this.#folder),
        notes: this.#folder && this.#way && { folder: this.#folder.path, way: this.#way },
        letters: this.#folder && { path: this.#folder.lettersPath(state.retries) },
        kept: this.#folder !== undefined,
        save: async (next, kind) => {
          tries = 0
          if (kind === 'durable') this.#durable = next
          await this.#folder?.save(next, kind)
        },
        opened: (position) => (resumedAt ??= position),
        check: (position) => {
          checkComplete(position, cardinalityOf(this.#root), this.#sink.name)
        },
      })
      try {
        await transfer.run()
        // Not `state`: a sink that keeps its position itself may have been further than what was saved.
        await this.#finish(transfer.state)
        const measured = transfer.measured(this.#options.explain === true)
        return this.#summary(transfer.state, resumedAt ?? 0, measured)
      } catch (error) {
        const safe = this.#certain(state, transfer, error)
        if (safe !== undefined) await this.#folder?.removeLatest().catch(() => undefined) // `error` counts more
        state = safe ?? transfer.state
        if (safe !== undefined && !transfer.opened) continue
        // One that was never reached is more likely a mistake than a fault.
        const reached = resumedAt !== undefined
        if (!(error instanceof SinkUnavailableError) || !reached || ++tries > TRIES) throw error
        await sleep(this.#options.clock ?? systemClock, WAIT * 2 ** (tries - 1), signal)
      }
    }
  }

  /** Where results of calls are until they are committed; opened when the first is made. */
  #keptCalls(folder: StateFolder): () => Promise<CallStore> {
    return async () => (this.#calls ??= new RecentCalls(folder.callsPath))
  }

  async #forgetCalls(): Promise<void> {
    await this.#calls?.close()
    this.#calls = undefined
    await this.#folder?.removeCalls()
  }

  async #finish(state: RunState): Promise<void> {
    const finished = new Date().toISOString()
    const { changes } = state
    const done = changes && markOf(changes.pass, state)
    await this.#folder?.save(
      { ...state, finished, ...(changes && done && { changes: { ...changes, done } }) },
      'durable',
    )
    await this.#forget(changes?.base)
  }

  /** Removes the notes of a pass that nothing is compared with any more. */
  async #forget(pass: { readonly pass: number } | null | undefined): Promise<void> {
    const { path } = this.#folder ?? {}
    if (path !== undefined && pass) await forgetPass(path, pass.pass)
  }

  /** The state to go back to, where the sink has lost what was committed quickly, or may have. */
  #certain(state: RunState, transfer: Transfer<T>, error: unknown): RunState | undefined {
    const durable = this.#durable
    if (transfer.opened) return transfer.doubtful ? durable : undefined
    // The machine went down, or a server, not the process.
    const lost = error instanceof CheckpointMismatchError && durable !== state
    return lost ? durable : undefined
  }

  #summary(
    { run, position }: RunState,
    resumedAt: number,
    measured: Measured | undefined,
  ): RunSummary {
    return {
      run,
      delivered: position?.delivered ?? 0,
      skipped: position?.skipped ?? 0,
      deadLetters: position?.dead ?? 0,
      resumedAt,
      seconds: (performance.now() - this.#start) / 1000,
      alreadyDone: false,
      cached: 0,
      spent: {},
      stages: [],
      ...(position?.changes?.end && { changes: countsOf(position.changes.end) }),
      ...measured,
    }
  }
}

/** Whether a run failed for a reason that nobody has to mend: then the results that it had stay right. */
function passes(error: unknown): boolean {
  const kinds = [BudgetError, SinkUnavailableError, StorageError]
  return kinds.some((kind) => error instanceof kind) || failureOf(error) !== 'permanent'
}

/** What the sources read, as far as they can tell. */
async function inputsOf(root: PlanNode): Promise<Inputs> {
  const lines = linesOf(root)
  const changes = wayOf(root) !== undefined
  const inputs: (readonly [string, Json])[] = []
  for (const [k, { op, params }] of nodesOf(root).entries()) {
    const spec = specOf(op)
    if (spec.kind !== 'source') continue
    const text = lines[k]?.text ?? op
    if (spec.identity !== undefined) inputs.push([text, await spec.identity(params as never)])
    else if (changes && spec.indexed !== undefined) inputs.push([text, text])
  }
  return inputs
}

/** Whether an unfinished run reads what it did. */
function isGoingOn(known: RunState, inputs: Inputs): boolean {
  return known.finished === null && JSON.stringify(known.inputs) === JSON.stringify(inputs)
}

/** A finished pass, for the next one to compare with. */
function markOf(pass: number, { position }: RunState): PassMark | undefined {
  const { left = 0, end } = position?.changes ?? {}
  return end && { pass, bytes: end.bytes, count: end.count, left }
}

function countsOf({ added, changed, unchanged, deleted, pruned, complete }: ChangeCounts) {
  return { added, changed, unchanged, deleted, pruned, complete }
}

function nothingKept(): InvalidArgumentError {
  return new InvalidArgumentError(
    'onlyChanged compares with the last run, and needs a folder that keeps what that was: run({ state: DIR }), ' +
      'or write(sink, { state: DIR }); millstream run has one',
  )
}
