import { InvalidArgumentError } from '../errors/index.ts'
import type { PlanNode } from '../plan/node.ts'
import { type Changes, changesToken, partsOfChangesToken } from '../stream/changes.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import type { Body, Chunk, Json, OpenContext, Pace, Token } from '../stream/operator.ts'
import { type JunctionSpec, sameBytes, unknownCardinality, type UserFn } from '../stream/spec.ts'

export interface OnlyChangedParams {
  readonly key: UserFn
  /** What of an element is compared; undefined for all of it. */
  readonly by: UserFn | undefined
}

export const onlyChangedSpec: JunctionSpec<OnlyChangedParams> = {
  op: 'onlyChanged',
  kind: 'junction',
  summary:
    'Lets through what is new or has changed since the last finished run into the sink, by key.',
  tfData: 'none',
  structure: ({ by }) => ({ by: by === undefined ? 'value' : 'part' }),
  cardinality: unknownCardinality,
  bytes: sameBytes,
  traits: () => ({ runs: 'compares with the last finished run, 24 bytes of memory or more a key' }),
  open: (node, context, from) => new OnlyChanged(node, context, from),
}

/** Token: see `changesToken`. What was noted of earlier elements is in the state folder. */
class OnlyChanged implements Body {
  readonly #params: OnlyChangedParams
  readonly #context: OpenContext
  readonly #pace: Pace
  readonly #inlet: Inlet
  #mark: { readonly bytes: number; readonly count: number }
  #changes: Changes | undefined
  #failure: ElementFailure | undefined

  constructor(
    { params }: PlanNode<OnlyChangedParams>,
    context: OpenContext,
    from: Json | undefined,
  ) {
    const [mark, input] = partsOfChangesToken(from)
    this.#params = params
    this.#context = context
    this.#pace = context.pace()
    this.#mark = mark
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(input)), input)
  }

  async pull(): Promise<Chunk | null> {
    const changes = (this.#changes ??= await this.#opened())
    for (;;) {
      if (this.#failure !== undefined) throw this.#takeFailure(this.#failure)
      if (!(await this.#inlet.fill())) return null
      const out = this.#sift(changes)
      const flushing = changes.flush()
      if (flushing !== undefined) await flushing
      if (out.length > 0) return out
    }
  }

  tok(): Token {
    return changesToken(this.#mark, this.#inlet.tok())
  }

  async #opened(): Promise<Changes> {
    const { changes } = this.#context
    if (changes === undefined) throw nothingKept()
    await changes.open(this.#mark)
    return changes
  }

  /** Those of the elements at hand that pass, as many as a chunk holds, up to one that fails. */
  #sift(changes: Changes): Chunk {
    const inlet = this.#inlet
    const { key, by } = this.#params as {
      readonly key: (x: unknown) => unknown
      readonly by: ((x: unknown) => unknown) | undefined
    }
    const out: unknown[] = []
    const first = inlet.i
    const start = this.#context.meter.now()
    this.#pace.start()
    try {
      for (; inlet.i < inlet.n && out.length < this.#pace.max; inlet.i++) {
        const x = inlet.xs[inlet.i]
        if (changes.passes(key(x), by === undefined ? x : by(x))) out.push(x)
      }
    } catch (error) {
      this.#failure = new ElementFailure(inlet.ordinal, error)
    }
    this.#mark = changes.mark()
    this.#pace.note(out.length, out[0])
    this.#context.meter.busy(start, inlet.i - first)
    return out
  }

  #takeFailure(failure: ElementFailure): ElementFailure {
    this.#failure = undefined
    this.#inlet.i++
    return failure
  }
}

function nothingKept(): InvalidArgumentError {
  return new InvalidArgumentError(
    'onlyChanged compares with what the last run has written, and nothing was said of where that is kept. ' +
      'Write to a sink: dataset.write(sink).run({ state: DIR }), or millstream run FILE. ' +
      'To see what would pass: iterate({ state: DIR }). Within another stage it cannot be',
  )
}
