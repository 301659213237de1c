import { ClosedError, DataError, InvalidArgumentError } from '../errors/index.ts'
import { type CallPolicy, Calls } from '../limit/calls.ts'
import { ElementFailure } from '../stream/failure.ts'
import type { Body, Chunk, Json, OpenContext } from '../stream/operator.ts'
import type { Origin } from '../stream/origin.ts'
import type { PlanNode } from '../plan/node.ts'
import type { SourceSpec } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'
import { GRACE, settledWithin, Waiting } from './waiting.ts'

/** One answer of a paged source. */
export interface Page<T, C> {
  readonly items: readonly T[]
  /** Where the next page starts; undefined or null on the last one. */
  readonly next?: C | null | undefined
}

export interface PagesParams {
  readonly start: Json
  readonly read: (cursor: never, signal: AbortSignal) => unknown
  /** How pages are asked for; without one, once. */
  readonly policy?: CallPolicy
}

export const pagesSpec: SourceSpec<PagesParams> = {
  op: 'pages',
  kind: 'source',
  summary: 'The items of pages: each page says at which cursor the next one starts.',
  tfData: 'none',
  structure: ({ start }) => ({ start }),
  cardinality: () => undefined,
  traits: () => ({
    runs: 'asks for one page after the other',
    resume: 'asks again for the page that was being delivered',
  }),
  open: (node, context, from) => new PagesSource(node, context, from),
}

/** A page is a chunk. Token: [elements before it, its cursor], the cursor null behind the last page. */
class PagesSource implements Body {
  readonly #params: PagesParams
  readonly #id: string
  readonly #context: OpenContext
  readonly #waiting = new Waiting<undefined>()
  readonly #calls: Calls | undefined
  #count: number
  #cursor: Json
  /** Of the page that was handed out last. */
  #page: Json = null
  #ended = false
  /** The call under way. */
  #call: Promise<unknown> | undefined

  constructor({ params, id }: PlanNode<PagesParams>, context: OpenContext, from: Json | undefined) {
    const [count, cursor = null] = Array.isArray(from)
      ? (from as readonly Json[])
      : [0, params.start]
    this.#params = params
    this.#id = id
    this.#context = context
    this.#count = Number(count)
    this.#cursor = cursor
    this.#calls = params.policy && callsOf(params.policy, context)
  }

  async pull(): Promise<Chunk | null> {
    while (this.#cursor !== null && !this.#ended) {
      this.#page = this.#cursor
      const page = await this.#read(this.#cursor)
      if (page === undefined) return null
      this.#cursor = page.next ?? null
      this.#count += page.items.length
      if (page.items.length > 0) return page.items
    }
    return null
  }

  tok(): Json {
    return [this.#count, this.#cursor]
  }

  origin(): Origin {
    const [id, page] = [this.#id, JSON.stringify(this.#page)]
    return (k) => `${id}, page ${page}, item ${k}`
  }

  stop(): void {
    this.#ended = true
    this.#waiting.interrupt(undefined)
    this.#calls?.stop(new ClosedError('the source was stopped'))
  }

  async close(): Promise<void> {
    await settledWithin(
      GRACE,
      Promise.resolve(this.#call).catch(() => undefined),
    ) // its reader has the error, or left
  }

  async #read(cursor: Json): Promise<Page<unknown, Json> | undefined> {
    const { meter } = this.#context
    const start = meter.now()
    try {
      this.#call = this.#ask(cursor)
      const page = await this.#waiting.wait(this.#call)
      if (page === undefined && this.#ended) return undefined
      const checked = checkPage(page, cursor)
      meter.busy(start, checked.items.length)
      return checked
    } catch (error) {
      this.#ended = true // asking again and again is for a retry policy, which knows when to stop
      throw new ElementFailure(this.#count, error)
    }
  }

  async #ask(cursor: Json): Promise<unknown> {
    const { read } = this.#params
    if (this.#calls === undefined) return read(cursor as never, this.#context.signal)
    const call = (signal: AbortSignal): unknown => read(cursor as never, signal)
    const result = await this.#calls.run(cursor, this.#count, call)
    if (result.ok) return result.value
    throw result.error
  }
}

function callsOf(policy: CallPolicy, context: OpenContext): Calls {
  const { clock, signal, budget, meter } = context
  return new Calls(policy, {
    key: context.localKey(),
    clock,
    signal,
    budget,
    store: () => context.callStore(),
    // A page is there as soon as it was read: its cursor is the state.
    kept: undefined,
    cached: () => meter.cached(),
    waited: (start, end) => meter.limited(start, end),
    retried: (...what) => meter.retried(...what),
  })
}

function checkPage(page: unknown, cursor: Json): Page<unknown, Json> {
  if (
    typeof page !== 'object' ||
    page === null ||
    !('items' in page) ||
    !Array.isArray(page.items)
  ) {
    throw new InvalidArgumentError(
      `fromPages: read must return { items, next }, items an array, not ${describe(page)}`,
    )
  }
  const { next } = page as Page<unknown, Json>
  // An API that answers '' on its last page where '' also is its first would be read for ever.
  if (next !== undefined && JSON.stringify(next) === JSON.stringify(cursor)) {
    throw new DataError(
      `the page at cursor ${JSON.stringify(cursor)} names itself as the next one; return next: undefined on the last page`,
    )
  }
  return page as Page<unknown, Json>
}
