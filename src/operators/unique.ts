import type { PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, sameBytes, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { keyOf, type ValueKey } from '../tensor/value-key.ts'
import { SeenSet } from './seen/seen-set.ts'

export interface UniqueParams {
  /** What of an element is compared; undefined for all of it. */
  readonly fn: UserFn | undefined
  /** Bytes for what was met before, beyond which it goes to disk. */
  readonly memory: number
}

export const uniqueSpec: JunctionSpec<UniqueParams> = {
  op: 'unique',
  kind: 'junction',
  summary:
    'Keeps the first of elements that are equal, or whose keys are; exact, in bounded memory.',
  tfData: 'unique; of any values, not only integers and texts',
  structure: ({ fn }) => ({ by: fn === undefined ? 'value' : 'key' }),
  cardinality: unknownCardinality,
  bytes: sameBytes,
  traits: ({ memory }, [length]) => ({
    runs: `keeps keys in ${Math.round(memory / 1024 / 1024)} MB of memory, then on disk`,
    ...(length !== undefined && { rereads: length / 2 }),
    resume: 'reads its input again from the start of the epoch',
  }),
  open: (node, context, from) => new Unique(node, context, from),
}

/**
 * Token: [elements read, state of the input at its start]. What was met is not part of it: a resume reads the
 * input again up to there. The state at the start carries what the input left out since.
 */
class Unique implements Body {
  readonly #fn: ((x: unknown) => unknown) | undefined
  readonly #context: OpenContext
  readonly #pace: Pace
  readonly #inlet: Inlet
  readonly #start: Token
  readonly #seen: SeenSet
  /** Elements that were read before a checkpoint. */
  readonly #before: number
  #failure: ElementFailure | undefined

  constructor(node: PlanNode<UniqueParams>, context: OpenContext, from: Json | undefined) {
    const { fn, memory } = node.params
    const [before, start] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#fn = fn as ((x: unknown) => unknown) | undefined
    this.#context = context
    this.#pace = context.pace()
    this.#seen = new SeenSet(memory)
    this.#before = typeof before === 'number' ? before : 0
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(start)), start)
    this.#start = this.#inlet.tok()
  }

  async pull(): Promise<Chunk | null> {
    const inlet = this.#inlet
    for (;;) {
      if (this.#failure !== undefined) throw this.#takeFailure(this.#failure)
      if (!(await inlet.fill())) return null
      const old = this.#before - inlet.ordinal
      const limit = old > 0 ? old : this.#pace.max
      const out = await this.#firsts(inlet.xs.slice(inlet.i, Math.min(inlet.n, inlet.i + limit)))
      if (old <= 0 && out.length > 0) return out
      // Its failures were reported by the run before.
      if (old > 0 && this.#failure !== undefined) this.#takeFailure(this.#failure)
    }
  }

  tok(): Token {
    const start = Inlet.again(this.#start, this.#inlet.told)
    return [Math.max(this.#before, this.#inlet.ordinal), start]
  }

  close(): Promise<void> {
    return this.#seen.close()
  }

  /** Those of the next elements that were not met before, up to one whose key cannot be told. */
  async #firsts(items: readonly unknown[]): Promise<unknown[]> {
    const keys = this.#keysOf(items)
    const added = this.#seen.add(keys)
    const news = added instanceof Promise ? await added : added
    this.#inlet.i += keys.length
    return items.filter((_, k) => news[k] === true)
  }

  #keysOf(items: readonly unknown[]): readonly ValueKey[] {
    const start = this.#context.meter.now()
    this.#pace.start()
    const keys: ValueKey[] = []
    try {
      for (const x of items) keys.push(keyOf(this.#fn === undefined ? x : this.#fn(x)))
    } catch (error) {
      this.#failure = new ElementFailure(this.#inlet.ordinal + keys.length, error)
    }
    this.#pace.note(keys.length, items[0])
    this.#context.meter.busy(start, keys.length)
    return keys
  }

  #takeFailure(failure: ElementFailure): ElementFailure {
    this.#failure = undefined
    this.#inlet.i++
    return failure
  }
}
