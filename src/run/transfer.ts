import type { Costs } from '../stream/budget.ts'
import { messageOf, NotResumableError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import type { ChangeKey } from '../stream/changes.ts'
import type { DeadLetter } from '../stream/dead-letter.ts'
import type { Json } from '../stream/operator.ts'
import type { Sink, Writer } from '../stream/sink.ts'
import { Settling } from '../stream/turn.ts'
import { Pass } from './changes/pass.ts'
import type { Way } from './changes/way.ts'
import type { Checkpoint } from './checkpoint.ts'
import { DeadLog, type DeadMark, NO_LETTERS } from './dead/dead-log.ts'
import { type InnerOptions, Iteration } from './iteration.ts'
import { type CommitKind, type Every, Schedule } from './schedule.ts'
import type { StageMetrics } from './metrics.ts'
import type { Position, RunState } from './state.ts'

/** What a transfer is told beside plan, sink and state. */
export interface TransferOptions extends InnerOptions {
  readonly signal: AbortSignal
  readonly every?: Every
  /** The file that keeps dead letters; undefined where nothing is kept. */
  readonly letters: LettersFile | undefined
  /** Where `onlyChanged` keeps its notes, and who passes by it; undefined without. */
  readonly notes?: { readonly folder: string; readonly way: Way } | undefined
  /** Whether positions are kept between two processes: then it pays to commit them often. */
  readonly kept: boolean
  /** Keeps what the sink has committed, as well as it has. */
  readonly save: (state: RunState, kind: CommitKind) => Promise<void>
  /** Told once the sink is open, with the elements it holds already. */
  readonly opened: (delivered: number) => void
  /** Throws when what came is not all: then the output stays out of sight. */
  readonly check: (position: Position) => void
}

/** Where a transfer keeps dead letters. */
export interface LettersFile {
  readonly path: string
  /** Renames letters before they are kept. */
  readonly as?: (letter: DeadLetter) => DeadLetter
}

/** What a transfer found out. */
export interface Measured {
  readonly stages: readonly StageMetrics[]
  /** Results that were kept from earlier calls, and what calls cost. */
  readonly cached: number
  readonly spent: Costs
  /** Who was slowest, and what to do about it, in a line. */
  readonly slowest?: string
  /** The plan with what was measured. */
  readonly explained?: string
}

/** Share of its time from which on the sink is what the run waits for. */
const BUSY = 0.7

/** Milliseconds between looks for elements that were given up, while none comes. */
const LOOK = 50

/**
 * One sink, opened once, and the elements that go into it. The next elements are pulled while those before are being
 * written; a position is committed when it is time, also while the pipeline lets wait.
 */
export class Transfer<T> {
  readonly #root: PlanNode
  readonly #sink: Sink<T>
  readonly #options: TransferOptions
  #state: RunState
  #iteration: Iteration<T> | undefined
  #letters: DeadLog | undefined
  #pass: Pass | undefined
  #base: Position
  #chunks = 0
  /** Position behind what was written last. */
  #mark: (() => Checkpoint) | undefined
  /** Elements that were given up, as far as the schedule knows of them. */
  #givenUp = 0
  #written: number
  readonly #schedule: Schedule
  readonly #began = performance.now()
  #sinkMs = 0
  /** The position that was told last. */
  #told = ''
  #opened = false
  /** True once the sink failed: nothing more is asked of it. */
  #broken = false
  #doubtful = false
  /** True when the sources turned out to be readable only once: then the one commit is the last. */
  #unresumable = false

  constructor(root: PlanNode, sink: Sink<T>, state: RunState, options: TransferOptions) {
    this.#root = root
    this.#sink = sink
    this.#options = options
    this.#schedule = new Schedule(options.every, options.kept)
    this.#state = state
    this.#base = state.position ?? START
    this.#written = this.#base.delivered
  }

  /** Rejects with what went wrong, once all that can be is committed and everything is closed. */
  async run(): Promise<void> {
    const { run, position, sink, behind } = this.#state
    const writer = await this.#sink.open({
      run,
      state: position === null ? undefined : sink,
      ...(behind !== undefined && { behind }),
      signal: this.#options.signal,
    })
    this.#opened = true
    try {
      this.#takeUp(writer)
      this.#options.opened(this.#base.delivered)
      this.#tell()
      if (!this.#base.ended) await this.#transfer(writer)
      this.#options.check(this.#state.position ?? START)
      await writer.finish()
    } catch (error) {
      await this.#abandon(writer, error)
      throw error
    }
    await this.#letters?.close()
    await this.#pass?.close()
  }

  /** Closes everything. What else fails then does not count: the run has its error already. */
  async #abandon(writer: Writer<T>, error: unknown): Promise<void> {
    await this.#iteration?.close().catch(() => undefined)
    await writer.abort(error)
    await this.#letters?.close().catch(() => undefined)
    await this.#pass?.close().catch(() => undefined)
  }

  /** The sink's own position counts more than the one stored beside it. */
  #takeUp(writer: Writer<T>): void {
    if (writer.position === undefined) return
    this.#base = writer.position as unknown as Position
    this.#written = this.#base.delivered
    this.#state = { ...this.#state, position: this.#base }
  }

  async #transfer(writer: Writer<T>): Promise<void> {
    const { seed, epoch } = this.#state
    const { chunk } = this.#sink
    this.#chunks = chunk === undefined ? 0 : Math.ceil(this.#written / chunk)
    this.#letters = await this.#openLetters()
    this.#pass = this.#openPass()
    const iteration = new Iteration<T>(
      this.#root,
      {
        ...this.#options,
        seed,
        epoch,
        changes: this.#pass,
        ...(this.#letters && { deadLetters: this.#letters }),
      },
      this.#base.checkpoint ?? undefined,
    )
    this.#iteration = iteration
    try {
      this.#mark = iteration.mark()
      let next = this.#pull(iteration)
      for (;;) {
        const xs = await this.#arrival(next, writer)
        if (xs === null) break
        const mark = iteration.mark()
        next = this.#pull(iteration)
        next.catch(() => undefined) // it is waited for, unless the sink fails first
        await this.#write(writer, xs, mark)
        await this.#commitDue(writer)
      }
      this.#mark = iteration.mark()
      await this.#endPass(writer)
    } catch (error) {
      throw await this.#commitRest(writer, error)
    }
    await this.#commit(writer, 'durable', true)
  }

  /** Dead letters of before the last commit; the elements of those behind it are tried again. */
  async #openLetters(): Promise<DeadLog | undefined> {
    const { letters, deadLetters } = this.#options
    if (letters === undefined || deadLetters !== undefined) return undefined
    return DeadLog.open(letters.path, this.#base.letters ?? this.#start(), letters.as)
  }

  #openPass(): Pass | undefined {
    const { notes } = this.#options
    const { changes } = this.#state
    if (notes === undefined || changes === undefined) return undefined
    const { pass, base } = changes
    const position = this.#base.changes
    const opened = new Pass({ ...notes, pass, base: async () => base, position, keeps: true })
    const fixed = notes.way.fixed && this.#state.inputs.every(([, identity]) => identity !== null)
    if (this.#base.checkpoint !== null && !fixed) opened.readInParts()
    return opened
  }

  /** What the sources do not have any more goes from the sink, too, in the commit that follows. */
  async #endPass(writer: Writer<T>): Promise<void> {
    const { prune } = writer
    const asked = prune && ((keys: readonly ChangeKey[]) => this.#asked(prune(keys)))
    await this.#pass?.end(this.#leftOut(), asked)
  }

  /** Letters that were there when the run began. */
  #start(): DeadMark {
    return this.#state.letters ?? NO_LETTERS
  }

  /** The next chunk: as it comes, or gathered to the sink's size. */
  async #pull(iteration: Iteration<T>): Promise<readonly T[] | null> {
    const { chunk } = this.#sink
    if (chunk === undefined) return iteration.read(Infinity)
    const gathered: T[] = []
    while (gathered.length < chunk) {
      const xs = await iteration.read(chunk - gathered.length)
      if (xs === null) return gathered.length === 0 ? null : gathered
      for (const x of xs) gathered.push(x)
    }
    return gathered
  }

  /** Waits for a pull; a commit that falls due meanwhile is made. */
  async #arrival(
    next: Promise<readonly T[] | null>,
    writer: Writer<T>,
  ): Promise<readonly T[] | null> {
    const settling = new Settling(next)
    while (!this.#unresumable) {
      this.#noteGivenUp()
      // Elements may be given up meanwhile, which nobody tells.
      const wait = Math.min(this.#schedule.wait, LOOK)
      if (await settling.within(wait, this.#schedule.pending)) break
      await this.#commitDue(writer)
    }
    return next
  }

  async #commitDue(writer: Writer<T>): Promise<void> {
    this.#noteGivenUp()
    const due = this.#unresumable ? undefined : this.#schedule.due()
    if (due !== undefined) await this.#commit(writer, due)
  }

  /** To give an element up is progress as well: it may have cost calls. */
  #noteGivenUp(): void {
    const { skipped = 0, dead = 0 } = this.#iteration ?? {}
    this.#schedule.wrote(skipped + dead - this.#givenUp)
    this.#givenUp = skipped + dead
  }

  async #write(writer: Writer<T>, xs: readonly T[], mark: () => Checkpoint): Promise<void> {
    const chunk = { index: this.#chunks++, first: this.#written }
    await this.#asked(writer.write(chunk, xs))
    this.#written += xs.length
    this.#schedule.wrote(xs.length)
    this.#mark = mark
  }

  async #commit(writer: Writer<T>, kind: CommitKind, ended = false): Promise<void> {
    const position = this.#position(ended)
    if (position === undefined) return
    const start = performance.now()
    // The letters that a position names must be there whatever becomes of it.
    await this.#letters?.sync()
    await this.#pass?.sync()
    const durable = kind === 'durable'
    this.#doubtful = durable
    const sink = await this.#asked(writer.commit(position as unknown as Json, durable))
    this.#doubtful = false
    this.#state = { ...this.#state, position, sink }
    await this.#options.save(this.#state, kind)
    this.#schedule.committed(kind, performance.now() - start)
    this.#tell()
  }

  /** What to commit; undefined where nobody could go on. */
  #position(ended: boolean): Position | undefined {
    const checkpoint = this.#checkpoint()
    if (checkpoint === undefined && !ended) return undefined
    // At the same moment as the checkpoint, which names the same elements as given up.
    const letters = this.#letters?.mark()
    return {
      checkpoint: checkpoint ?? null,
      delivered: this.#written,
      skipped: this.#base.skipped + (this.#iteration?.skipped ?? 0),
      dead: letters
        ? letters.count - this.#start().count
        : this.#base.dead + (this.#iteration?.dead ?? 0),
      ended,
      ...(letters && { letters }),
      ...(this.#pass && { changes: this.#pass.position(this.#leftOut()) }),
    }
  }

  /** Elements that were left out in this process. */
  #leftOut(): number {
    return (this.#iteration?.skipped ?? 0) + (this.#iteration?.dead ?? 0)
  }

  #checkpoint(): Checkpoint | undefined {
    try {
      return this.#mark?.()
    } catch (error) {
      if (!(error instanceof NotResumableError)) throw error
      this.#unresumable = true
      return undefined
    }
  }

  /** What the pipeline made before it failed is kept. The error to go on with. */
  async #commitRest(writer: Writer<T>, error: unknown): Promise<unknown> {
    this.#noteGivenUp()
    if (this.#broken || !this.#schedule.pending) return error
    try {
      await this.#commit(writer, 'durable')
      return error
    } catch (second) {
      return new AggregateError([error, second], `${messageOf(error)}; then ${messageOf(second)}`)
    }
  }

  /** Whether the sink could be opened. */
  get opened(): boolean {
    return this.#opened
  }

  /** True when a durable commit failed: a disk that lost bytes says so once, and may have lost those of quick ones. */
  get doubtful(): boolean {
    return this.#doubtful
  }

  /** What is committed. */
  get state(): RunState {
    return this.#state
  }

  /** What this transfer did so far; undefined when there was nothing left to do. */
  measured(explain: boolean): Measured | undefined {
    const iteration = this.#iteration
    if (iteration === undefined) return undefined
    const share = this.#sinkMs / Math.max(1, performance.now() - this.#began)
    const slowest = share >= BUSY ? slowSink(this.#sink.name, share) : iteration.slowest()
    return {
      stages: iteration.metrics(),
      cached: iteration.cached,
      spent: iteration.spent,
      ...(slowest !== undefined && { slowest }),
      ...(explain && { explained: iteration.explain() }),
    }
  }

  async #asked<R>(answer: Promise<R>): Promise<R> {
    const start = performance.now()
    try {
      return await answer
    } catch (error) {
      this.#broken = true
      throw error
    } finally {
      this.#sinkMs += performance.now() - start
    }
  }

  #tell(): void {
    const { delivered, skipped, dead } = this.#state.position ?? START
    // A position that is committed again, durably, is no news.
    const position = `${delivered} ${skipped} ${dead}`
    if (position === this.#told) return
    this.#told = position
    const { cached = 0, spent = {} } = this.#iteration ?? {}
    this.#options.observe?.({ type: 'position', delivered, skipped, dead, cached, spent })
  }
}

const START: Position = { checkpoint: null, delivered: 0, skipped: 0, dead: 0, ended: false }

function slowSink(name: string, share: number): string {
  return `busiest: ${name}, ${Math.round(share * 100)} % busy; a faster pipeline would change nothing`
}
