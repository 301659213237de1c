import { CheckpointMismatchError, InvalidArgumentError } from '../errors/index.ts'
import type { SourceSpec } from '../stream/spec.ts'
import { ElementFailure } from '../stream/failure.ts'
import type { Body, Chunk, Json, OpenContext } from '../stream/operator.ts'
import { describe } from '../tensor/index.ts'

export interface GeneratorParams {
  readonly make: (signal: AbortSignal) => Iterable<unknown> | AsyncIterable<unknown>
  /** True when `make` gives the same elements each time; else it can neither be repeated nor resumed. */
  readonly replayable: boolean
}

export const generatorSpec: SourceSpec<GeneratorParams> = {
  op: 'generator',
  kind: 'source',
  summary: 'What an iterable yields, made anew for each epoch.',
  tfData: 'from_generator',
  structure: () => ({}),
  cardinality: () => undefined,
  open: ({ params }, context, from) => new GeneratorSource(params, context, from),
  notResumable: ({ replayable }) =>
    replayable
      ? undefined
      : 'it reads an iterator that can be read only once; pass a function that makes a new iterable: fromGenerator(() => ...)',
}

/** Milliseconds after which what came so far is handed over, or a slow source would look dead. */
const PATIENCE = 10

/** Milliseconds that a source has to answer its last call when the run stops; its signal was aborted. */
const GRACE = 1000

type Step = IteratorResult<unknown, unknown>

const END: Step = { done: true, value: undefined }

/** Token: number of elements read. Resume runs the generator again and drops so many. */
class GeneratorSource implements Body {
  readonly #params: GeneratorParams
  readonly #context: OpenContext
  readonly #pace
  readonly #skip: number
  #count = 0
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  #ended = false
  #failure: ElementFailure | undefined
  /** The step under way, and what ends waiting for it early. */
  #pending: Promise<Step> | undefined
  #interrupt: ((instead: Step | 'late') => void) | undefined

  constructor(params: GeneratorParams, context: OpenContext, from: Json | undefined) {
    this.#params = params
    this.#context = context
    this.#pace = context.pace()
    this.#skip = typeof from === 'number' ? from : 0
  }

  async pull(): Promise<Chunk | null> {
    this.#throwFailure()
    if (this.#ended) return null
    this.#iterator ??= iteratorOf(this.#params.make(this.#context.signal))
    await this.#drop()
    const out = await this.#read(this.#pace.max)
    this.#count += out.length
    if (out.length > 0) return out
    this.#throwFailure()
    return null
  }

  tok(): Json {
    return Math.max(this.#count, this.#skip)
  }

  stop(): void {
    this.#ended = true
    this.#interrupt?.(END)
  }

  async close(): Promise<void> {
    const returned = this.#iterator?.return?.()
    if (!(returned instanceof Promise)) return
    // Queued behind a `next` that is under way; one that never answers would hold the run for ever.
    if (this.#pending === undefined) await returned
    else await settledWithin(GRACE, returned)
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure
  }

  async #drop(): Promise<void> {
    for (; this.#count < this.#skip; this.#count++) {
      const step = await this.#settled(this.#next())
      if (step === 'late' || !step.done) continue
      throw new CheckpointMismatchError(
        `the generator ended after ${this.#count} elements, before the checkpoint's position ${this.#skip}`,
      )
    }
  }

  async #read(max: number): Promise<unknown[]> {
    const out: unknown[] = []
    const { meter } = this.#context
    const start = meter.now()
    let patience: NodeJS.Timeout | undefined
    try {
      while (out.length < max) {
        const next = this.#next()
        if (next instanceof Promise && out.length > 0) {
          patience ??= setTimeout(() => this.#interrupt?.('late'), PATIENCE)
        }
        const step = next instanceof Promise ? await this.#settled(next) : next
        if (step === 'late') break
        if (step.done) {
          this.#ended = true
          break
        }
        out.push(step.value)
      }
    } catch (error) {
      this.#ended = true
      this.#failure = new ElementFailure(this.#count + out.length, error)
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

  /** The step; or 'late' or the end, when that comes first. `Promise.race` would keep every loser alive. */
  async #settled(step: Step | Promise<Step>): Promise<Step | 'late'> {
    if (!(step instanceof Promise)) return step
    try {
      return await new Promise<Step | 'late'>((resolve, reject) => {
        this.#interrupt = resolve
        step.then(
          (result) => {
            this.#pending = undefined
            resolve(result)
          },
          (error: unknown) => {
            this.#pending = undefined
            reject(error instanceof Error ? error : new Error(String(error), { cause: error }))
          },
        )
      })
    } finally {
      this.#interrupt = undefined
    }
  }
}

async function settledWithin(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise, patience]).finally(() => clearTimeout(timer))
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
