import { type Origin, span } from '../stream/origin.ts'
import type { SegmentPlan } from './cut.ts'

/** One run of a loop. */
export interface LoopRange {
  /** It read its input from one place up to and without another. */
  readonly from: number
  readonly to: number
  /** Elements that came out. */
  readonly made: number
  /** Elements of the batch in the making, at the start. */
  readonly half: number
}

/** Where what a run of a loop made came from, `of` being the origin of its input by place. */
export function madeOf(
  { ops, ratio }: SegmentPlan,
  { from, to, made, half }: LoopRange,
  of: Origin | undefined,
): Origin | undefined {
  if (of === undefined) return undefined
  const op = ops[ratio]
  if (op === undefined) {
    // Each was left out or came out: element `k` is at most so many behind its place.
    const leftOut = to - from - made
    return leftOut === 0 ? (k) => of(from + k) : (k) => span(of(from + k), of(from + k + leftOut))
  }
  const { spec, node } = op
  if (spec.rows === 'gather' && ops.every((one) => one === op || one.spec.rows === 'same')) {
    const size = spec.size(node.params as never)
    return (k) => {
      const first = from - half + k * size
      return span(of(first), of(Math.min(first + size, to) - 1))
    }
  }
  return () => span(of(from), of(to - 1))
}
