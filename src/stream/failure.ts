import { InvalidArgumentError, StageError } from '../errors/index.ts'
import { sourceShown } from '../errors/source.ts'
import type { PlanNode } from '../plan/node.ts'

interface FailureSite {
  readonly node?: PlanNode | undefined
  readonly source?: string | undefined
}

/** One element failed in an operator; the caller of operators turns it into an error that says where. */
export class ElementFailure {
  /** Position of the element in the input of its segment or junction, from 0, within its epoch. */
  readonly index: number
  readonly error: unknown
  /** The operator, where a segment knows better than its caller. */
  readonly node: PlanNode | undefined
  /** Where the element came from. */
  readonly source: string | undefined

  constructor(index: number, error: unknown, { node, source }: FailureSite = {}) {
    this.index = index
    this.error = error
    this.node = node
    this.source = source
  }
}

/** The error that a reader of the pipeline sees. */
export function errorOf(failure: ElementFailure, caller: PlanNode, within?: () => string): Error {
  const node = failure.node ?? caller
  if (failure.error instanceof InvalidArgumentError) {
    const at = node.at === undefined ? '' : ` (${node.at})`
    const source = sourceShown(failure.source, failure.index)
    const message = `${node.id}${at}, element ${failure.index}${source}: ${failure.error.message}`
    return new InvalidArgumentError(message, { cause: failure.error })
  }
  const fn = nameOfFunction(node.params)
  return new StageError(
    {
      stage: node.id,
      index: failure.index,
      ...(node.at === undefined ? {} : { at: node.at }),
      ...(fn === undefined ? {} : { fn }),
      ...(failure.source === undefined ? {} : { source: failure.source }),
      ...(within === undefined ? {} : { within: within() }),
    },
    failure.error,
  )
}

function nameOfFunction(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('fn' in params)) return undefined
  const { fn } = params
  return typeof fn === 'function' && fn.name !== '' && fn.name !== 'fn' ? fn.name : undefined
}
