import { CheckpointMismatchError, InvalidArgumentError } from '../errors/index.ts'
import type { Origin } from '../stream/origin.ts'
import type { PlanNode } from '../plan/node.ts'
import type { SourceSpec } from '../stream/spec.ts'
import { ElementFailure } from '../stream/failure.ts'
import type { Body, Chunk, Json, OpenContext } from '../stream/operator.ts'
import { describe } from '../tensor/index.ts'
import { GRACE, settledWithin, Waiting } from './waiting.ts'

export interface GeneratorParams {
  /** `from` is the last cursor, where there are cursors. */
  readonly make: (
    signal: AbortSignal,
    from: Json | undefined,
  ) => Iterable<unknown> | AsyncIterable<unknown>
  /** True when `make` gives the same elements each time; else it can neither be repeated nor resumed. */
  readonly replayable: boolean
  /** How the user's code names positions. */
  readonly cursor?: GeneratorCursor
}

export interface GeneratorCursor {
  /** The cursor before the first element. */
  readonly start: Json
  /** The cursor behind an element; undefined for elements that have none. */
  readonly of: (x: unknown) => Json | undefined
}

export const generatorSpec: SourceSpec<GeneratorParams> = {
  op: 'generator',
  kind: 'source',
  summary: 'What an iterable yields, made anew for each epoch.',
  tfData: 'from_generator',
  structure: ({ cursor }) => (cursor === undefined ? {} : { start: cursor.start }),
  cardinality: () => undefined,
  open: (node, context, from) => new GeneratorSource(node, context, from),
  traits: ({ cursor }) => ({
    runs: 'reads an iterable',
    resume:
      cursor === undefined
        ? 'runs from the start again; what was delivered is dropped'
        : 'goes on behind the last cursor',
  }),
  notResumable: ({ replayable }) =>
    replayable
      ? undefined
      : 'it reads an iterator that can be read only once; pass a function that makes a new iterable: fromGenerator(() => ...)',
}

/** Milliseconds after which what came so far is handed over, or a slow source would look dead. */
const PATIENCE = 10

type Step = IteratorResult<unknown, unknown>

const END: Step = { done: true, value: undefined }

/** A position of a generator: what the user's code goes on behind, and how many elements came since. */
interface Position {
  readonly count: number
  readonly cursor: Json | undefined
  readonly since: number
}

/**
 * Token: number of elements read, or [that, last cursor, elements since]. Resume runs the generator again, from
 * the cursor where there is one, and drops what came since.
 */
class GeneratorSource implements Body {
  readonly #params: GeneratorParams
  readonly #id: string
  readonly #context: OpenContext
  readonly #pace
  readonly #waiting = new Waiting<Step | 'late'>()
  #at: Position
  /** Elements read before the last chunk. */
  #first = 0
  /** Elements that a resume still has to drop. */
  #drop: number
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  #ended = false
  #failure: ElementFailure | undefined
  /** The step under way. */
  #pending: Promise<Step> | undefined

  constructor(
    { params, id }: PlanNode<GeneratorParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    this.#params = params
    this.#id = id
    this.#context = context
    this.#pace = context.pace()
    this.#at = positionOf(from, params.cursor?.start)
    this.#drop = this.#at.since
  }

  async pull(): Promise<Chunk | null> {
    this.#throwFailure()
    if (this.#ended) return null
    this.#iterator ??= this.#begin()
    await this.#dropOld()
    this.#first = this.#at.count
    const out = await this.#read(this.#pace.max)
    this.#advance(out)
    if (out.length > 0) return out
    this.#throwFailure()
    return null
  }

  tok(): Json {
    const { count, cursor, since } = this.#at
    return cursor === undefined ? count : [count, cursor, since]
  }

  origin(): Origin {
    const [id, first] = [this.#id, this.#first]
    return (k) => `${id}[${first + k}]`
  }

  stop(): void {
    this.#ended = true
    this.#waiting.interrupt(END)
  }

  async close(): Promise<void> {
    const returned = this.#iterator?.return?.()
    if (!(returned instanceof Promise)) return
    // Queued behind a `next` that is under way; one that never answers would hold the run for ever.
    if (this.#pending === undefined) await returned
    else await settledWithin(GRACE, returned)
  }

  #begin(): Iterator<unknown> | AsyncIterator<unknown> {
    try {
      return iteratorOf(this.#params.make(this.#context.signal, this.#at.cursor))
    } catch (error) {
      this.#ended = true
      throw new ElementFailure(this.#at.count, error)
    }
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure
  }

  async #dropOld(): Promise<void> {
    while (this.#drop > 0) {
      const step = await this.#settled(this.#next())
      if (step === 'late') continue
      if (step.done) {
        throw new CheckpointMismatchError(
          `the generator ended ${this.#drop} elements before the checkpoint's position ${this.#at.count}`,
        )
      }
      this.#drop--
    }
  }

  /** Moves the position behind `out`; an element whose cursor cannot be told fails, and ends it. */
  #advance(out: unknown[]): void {
    const { count, since } = this.#at
    let { cursor } = this.#at
    let after = 0
    const of = this.#params.cursor?.of
    for (let k = out.length - 1; k >= 0 && of !== undefined; k--) {
      try {
        const found = of(out[k])
        if (found !== undefined) {
          cursor = found
          after = k + 1
          break
        }
      } catch (error) {
        this.#ended = true
        this.#failure = new ElementFailure(count + k, error)
        out.length = k
      }
    }
    const news = out.length - after
    this.#at = { count: count + out.length, cursor, since: after > 0 ? news : since + news }
  }

  async #read(max: number): Promise<unknown[]> {
    const out: unknown[] = []
    const { meter } = this.#context
    const start = meter.now()
    const asked = performance.now()
    let patience: NodeJS.Timeout | undefined
    try {
      while (out.length < max) {
        const next = this.#next()
        if (next instanceof Promise && out.length > 0) {
          patience ??= setTimeout(() => this.#waiting.interrupt('late'), PATIENCE)
        }
        const step = next instanceof Promise ? await this.#settled(next) : next
        if (step === 'late') break
        if (step.done) {
          this.#ended = true
          break
        }
        out.push(step.value)
        // The next is likely to take as long.
        if (out.length === 1 && performance.now() - asked > PATIENCE) break
      }
    } catch (error) {
      this.#ended = true
      this.#failure = new ElementFailure(this.#at.count + out.length, error)
    } finally {
      clearTimeout(patience)
    }
    meter.busy(start, out.length)
    this.#pace.note(out.length, out[0])
    return out
  }

  #next(): Step | Promise<Step> {
    if (this.#pending !== undefined) return this.#pending
    const step: Step | Promise<Step> = this.#iterator?.next() ?? END
    if (step instanceof Promise) this.#pending = step
    return step
  }

  /** The step; or 'late' or the end, when that comes first. */
  async #settled(step: Step | Promise<Step>): Promise<Step | 'late'> {
    if (!(step instanceof Promise)) return step
    let result: Step | 'late' | undefined
    try {
      result = await this.#waiting.wait(step)
      return result
    } finally {
      if (result !== 'late' && result !== END) this.#pending = undefined
    }
  }
}

function positionOf(from: Json | undefined, start: Json | undefined): Position {
  if (typeof from === 'number') return { count: from, cursor: start, since: from }
  const [count, cursor, since] = Array.isArray(from) ? (from as readonly Json[]) : []
  if (typeof count !== 'number' || typeof since !== 'number') {
    return { count: 0, cursor: start, since: 0 }
  }
  return { count, cursor, since }
}

function iteratorOf(
  iterable: Iterable<unknown> | AsyncIterable<unknown>,
): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof iterable === 'object' && iterable !== null) {
    if (Symbol.asyncIterator in iterable) return iterable[Symbol.asyncIterator]()
    if (Symbol.iterator in iterable) return iterable[Symbol.iterator]()
  }
  throw new InvalidArgumentError(
    `fromGenerator: the function must return an iterable, not ${describe(iterable)}`,
  )
}
