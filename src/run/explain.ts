import type { PlanNode } from '../plan/node.ts'
import type { Cardinality } from '../stream/spec.ts'
import { Facts } from './explain/facts.ts'

export { explain } from './explain/explain.ts'

/** Number of elements of a plan, where it is known without running. */
export function cardinalityOf(node: PlanNode): Cardinality {
  return new Facts(node).cardinality(node)
}
