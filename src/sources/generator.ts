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

type Step = IteratorResult<unknown, unknown>

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
  #wake: (() => void) | undefined

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
    this.#wake?.()
  }

  async close(): Promise<void> {
    const returned = this.#iterator?.return?.()
    // A source that never answered its last `next()` would not answer this either.
    if (this.#wake === undefined) await returned
    else if (returned instanceof Promise) returned.catch(() => undefined)
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure
  }

  async #drop(): Promise<void> {
    for (; this.#count < this.#skip; this.#count++) {
      const { done } = await this.#next()
      if (!done) continue
      throw new CheckpointMismatchError(
        `the generator ended after ${this.#count} elements, before the checkpoint's position ${this.#skip}`,
      )
    }
  }

  async #read(max: number): Promise<unknown[]> {
    const out: unknown[] = []
    const { meter } = this.#context
    const start = meter.now()
    const deadline = performance.now() + PATIENCE
    try {
      while (out.length < max) {
        const step = this.#next()
        const { done, value } = step instanceof Promise ? await step : step
        if (done) {
          this.#ended = true
          break
        }
        out.push(value)
        if (performance.now() > deadline) break
      }
    } catch (error) {
      this.#ended = true
      this.#failure = new ElementFailure(this.#count + out.length, error)
    }
    meter.busy(start, out.length)
    return out
  }

  #next(): Step | Promise<Step> {
    const step: Step | Promise<Step> = this.#iterator?.next() ?? { done: true, value: undefined }
    return step instanceof Promise ? this.#orStopped(step) : step
  }

  /** The step, or the end when the run stops first. Not `Promise.race`: it would keep every loser alive. */
  #orStopped(step: Promise<Step>): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve({ done: true, value: undefined })
      step.then(
        (result) => {
          this.#wake = undefined
          resolve(result)
        },
        (error: unknown) => {
          this.#wake = undefined
          reject(error instanceof Error ? error : new Error(String(error), { cause: error }))
        },
      )
    })
  }
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
