import { InvalidArgumentError } from '../errors/index.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, unknownCardinality } from '../stream/spec.ts'
import { checkKey } from './check.ts'

export interface GroupByParams {
  readonly key: (x: unknown) => unknown
  readonly reducer: {
    readonly init: (key: unknown) => unknown
    readonly reduce: (state: unknown, x: unknown) => unknown
    readonly finalize?: (state: unknown, key: unknown) => unknown
  }
}

export const groupBySpec: JunctionSpec<GroupByParams> = {
  op: 'groupBy',
  kind: 'junction',
  summary:
    'Folds the elements of each key into one; the keys come in the order of their first elements.',
  tfData: 'experimental.group_by_reducer, whose keys come ascending; keys may be text',
  structure: ({ reducer }) => ({ finalize: reducer.finalize !== undefined }),
  cardinality: unknownCardinality,
  traits: (_, [length]) => ({
    runs: 'reads all of its input before the first group',
    ...(length !== undefined && { rereads: length }),
    resume: 'folds its input again from the start of the epoch',
  }),
  open: (node, context, from) => new GroupBy(node.params, context, from),
}

/** Token: [groups handed out, state of the input at its start, failures told]; groups are folded again after a resume. */
class GroupBy implements Body {
  readonly #params: GroupByParams
  readonly #context: OpenContext
  readonly #pace: Pace
  readonly #inlet: Inlet
  readonly #start: Token
  readonly #states = new Map<unknown, unknown>()
  #groups: readonly (readonly [unknown, unknown])[] | undefined
  #done: number
  /** Elements that failed here and were told, before the checkpoint or since. */
  #told: number
  #failures = 0

  constructor(params: GroupByParams, context: OpenContext, from: Json | undefined) {
    const [done, start, failures] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#params = params
    this.#context = context
    this.#pace = context.pace()
    this.#done = typeof done === 'number' ? done : 0
    this.#told = typeof failures === 'number' ? failures : 0
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(start)), start)
    this.#start = this.#inlet.tok()
  }

  async pull(): Promise<Chunk | null> {
    this.#groups ??= await this.#fold()
    const out: unknown[] = []
    while (out.length < this.#pace.max) {
      const group = this.#groups[this.#done]
      if (group === undefined) break
      try {
        out.push(this.#finish(group))
      } catch (error) {
        if (out.length > 0) break // it surfaces behind them
        throw new ElementFailure(this.#done++, error)
      }
      this.#done++
    }
    this.#pace.note(out.length, out[0])
    return out.length === 0 ? null : out
  }

  tok(): Token {
    return [this.#done, Inlet.again(this.#start, this.#inlet.told), this.#told]
  }

  async #fold(): Promise<readonly (readonly [unknown, unknown])[]> {
    const inlet = this.#inlet
    while (await inlet.fill()) {
      const start = this.#context.meter.now()
      const first = inlet.i
      try {
        while (inlet.i < inlet.n) this.#add(inlet.xs[inlet.i++])
      } catch (error) {
        if (++this.#failures <= this.#told) continue
        this.#told++
        throw new ElementFailure(inlet.ordinal - 1, error)
      } finally {
        this.#context.meter.busy(start, inlet.i - first)
      }
    }
    return [...this.#states]
  }

  #add(x: unknown): void {
    const { key: keyOf, reducer } = this.#params
    const key = checkKey('groupBy', keyOf(x))
    const state = this.#states.has(key) ? this.#states.get(key) : reducer.init(key)
    this.#states.set(key, checkState(reducer.reduce(state, x)))
  }

  #finish([key, state]: readonly [unknown, unknown]): unknown {
    const { finalize } = this.#params.reducer
    return finalize === undefined ? [key, state] : finalize(state, key)
  }
}

function checkState(state: unknown): unknown {
  if (!(state instanceof Promise)) return state
  state.catch(() => undefined) // the error below tells; the promise must not end the process as unhandled
  throw new InvalidArgumentError(
    'the reducer of groupBy returned a promise; map asynchronously before the groupBy',
  )
}
