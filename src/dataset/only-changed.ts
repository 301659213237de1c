import { checkFunction } from '../operators/check.ts'
import { cardinalityOf } from '../run/explain/facts.ts'
import { checkAbove } from '../run/changes/way.ts'
import { InvalidArgumentError } from '../errors/index.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import type { ChangeKey } from '../stream/changes.ts'

/** How elements are told apart, and changed ones from those that are as they were. */
export interface OnlyChangedOptions<T> {
  /** What names an element, among all of the source. */
  readonly key: (x: T) => ChangeKey
  /** What of it is compared, by value: its text, a version, a time. Default: all of it. */
  readonly by?: (x: T) => unknown
}

export function onlyChangedNode<T>(
  input: PlanNode,
  options: OnlyChangedOptions<T>,
  at: At,
): PlanNode {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError(
      'onlyChanged takes what names an element: onlyChanged({ key: (x) => x.id, by: (x) => x.body })',
    )
  }
  const { key, by } = options
  checkFunction('onlyChanged: key', key)
  if (by !== undefined) checkFunction('onlyChanged: by', by)
  checkAbove(input)
  if (cardinalityOf(input) === Infinity) {
    throw new InvalidArgumentError('onlyChanged needs a source that comes to an end')
  }
  return makeNode('onlyChanged', { key, by }, [input], at)
}
