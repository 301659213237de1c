import { StageError } from '../errors/index.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Token } from '../stream/operator.ts'
import { type JunctionSpec, sameBytes, unknownCardinality } from '../stream/spec.ts'

export const ignoreErrorsSpec: JunctionSpec<object> = {
  op: 'ignoreErrors',
  kind: 'junction',
  summary:
    'Leaves out the elements on which a stage above failed; each is reported as a skip event.',
  tfData: 'ignore_errors; each is counted and reported',
  structure: () => ({}),
  cardinality: unknownCardinality,
  bytes: sameBytes,
  open: (_, context, from) => new IgnoreErrors(context, from),
}

class IgnoreErrors implements Body {
  readonly #input: Operator
  readonly #context: OpenContext

  constructor(context: OpenContext, from: Json | undefined) {
    this.#context = context
    this.#input = context.open(0, from)
  }

  async pull(): Promise<Chunk | null> {
    for (;;) {
      try {
        return await this.#input.pull()
      } catch (error) {
        if (!(error instanceof StageError)) throw error
        this.#context.meter.skipped(error.index, undefined, error)
      }
    }
  }

  tok(): Token {
    return this.#input.tok()
  }
}
