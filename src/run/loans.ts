/** Who may be lent elements, and for how long: what is written in the plan decides it. */
import type { SegmentOp, SegmentPlan } from '../segment/cut.ts'
import type { Loan } from '../stream/loan.ts'

/** Whether functions of the user may see what is lent: they agree not to keep it. */
export type InPlace = boolean | 'checked'

/** The reader of a whole plan: done with a chunk when it asks for the next. */
export function loanToReader(inPlace: InPlace): Loan | undefined {
  return inPlace === false ? undefined : { holds: 0, checked: inPlace === 'checked' }
}

/**
 * A segment, of its input. Its batch copies what it is made of; until it is full it holds all but one of its elements.
 * Others hand on what they read, or read ahead.
 */
export function loanToSegment(plan: SegmentPlan, inPlace: InPlace): Loan | undefined {
  const gather = plan.ops[plan.ratio]
  if (gather?.spec.rows !== 'gather' || gather.spec.copies !== true) return undefined
  const before = plan.ops.slice(0, plan.ratio)
  // What a filter leaves out makes the rest older than their number tells.
  if (!before.every(({ spec }) => spec.rows === 'same')) return undefined
  if (inPlace === false && before.some(callsUser)) return undefined
  const size = gather.spec.size(gather.node.params as never)
  return { holds: size - 1, checked: inPlace === 'checked' }
}

function callsUser({ spec, node }: SegmentOp): boolean {
  return spec.fn?.(node.params as never) !== undefined
}
