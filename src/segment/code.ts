import type { PlanNode } from '../plan/node.ts'
import type { SegmentPlan } from './cut.ts'
import { generate, type LoopFactory } from './generate.ts'
import { fieldsOf } from './generate-gather.ts'

const codes = new WeakMap<PlanNode, SegmentCode>()

/** The generated code of a segment, shared by all its openings. */
export function codeOf(node: PlanNode, plan: SegmentPlan): SegmentCode {
  let code = codes.get(node)
  if (code === undefined) codes.set(node, (code = new SegmentCode(plan)))
  return code
}

/** Generated once without knowing the elements, and once more when the first batch tells its fields. */
export class SegmentCode {
  readonly #plan: SegmentPlan
  #fields: readonly string[] | undefined
  #asked = false
  #factory: LoopFactory | undefined
  /** Rises when there is better code. */
  version = 0

  constructor(plan: SegmentPlan) {
    this.#plan = plan
  }

  get factory(): LoopFactory {
    this.#factory ??= generate(this.#plan, this.#fields, (x) => this.#learn(x))
    return this.#factory
  }

  #learn(x: unknown): void {
    if (this.#asked) return
    this.#asked = true
    const spec = this.#plan.ops[this.#plan.ratio]?.spec
    this.#fields = spec?.rows === 'gather' ? fieldsOf(spec, x) : undefined
    if (this.#fields === undefined) return
    this.#factory = undefined
    this.version++
  }
}
