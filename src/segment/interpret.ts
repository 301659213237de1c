import type { Next, StepEnv, UserCall } from '../stream/spec.ts'
import type { Json } from '../stream/operator.ts'
import type { SegmentOp, SegmentPlan } from './cut.ts'
import { statesOf, userFnOf } from './generate.ts'
import type { Loop, LoopEnv, LoopState } from './loop.ts'

/** Told when work passes from one operator to the next: -1 is the loop itself. */
export type OnOperator = (op: number) => void

/**
 * The segment as closures, one an operator. Four to six times slower than the generated loop and equal to it
 * in every result and token: it serves where code generation is forbidden, and to time single operators.
 */
export function interpret(plan: SegmentPlan, env: LoopEnv, onOperator?: OnOperator): Loop {
  return new Interpreter(plan, env, onOperator)
}

class Interpreter implements Loop {
  readonly #plan: SegmentPlan
  readonly #env: LoopEnv
  readonly #onOperator: OnOperator | undefined
  readonly #head: Next
  readonly #behindRatio: Next
  readonly #make: ((items: readonly unknown[]) => unknown) | undefined
  /** Positions of the current element behind 0, 1, ... views. */
  readonly #positions: number[] = []
  #r!: LoopState
  #op = 0
  /** True when an operator behind the expansion ended the segment. */
  #innerOver = false
  /** States before the current element of an expansion. */
  #inner: readonly Json[] = []

  constructor(plan: SegmentPlan, env: LoopEnv, onOperator: OnOperator | undefined) {
    this.#plan = plan
    this.#env = env
    this.#onOperator = onOperator
    const ratio = plan.ops[plan.ratio]
    this.#make =
      ratio?.spec.rows === 'gather' ? ratio.spec.make(ratio.node.params as never) : undefined
    this.#behindRatio = this.#chain(plan.ratio + 1, plan.ops.length, (x) => this.#sink(x))
    this.#head = this.#chain(0, plan.ratio + 1, this.#behindRatio)
  }

  run(r: LoopState): void {
    this.#r = r
    this.#innerOver = false
    r.cleanI = -1
    for (; r.i < r.n && r.out.length < r.max && !r.over; r.i++) {
      const before = [...r.state]
      this.#inner = before
      try {
        this.#head(this.#read(r))
      } catch (error) {
        this.#fail(error, before)
        return
      }
    }
  }

  #read({ xs, i }: LoopState): unknown {
    const { source, views } = this.#plan
    if (source === undefined) return xs[i]
    let position = i
    this.#positions[views.length] = i
    for (let k = views.length - 1; k >= 0; k--) {
      position = views[k]?.map.at(position, this.#env.own[k + 1]) ?? 0
      this.#positions[k] = position
    }
    return source.at(position, this.#env.own[0])
  }

  flush(r: LoopState): void {
    const items = r.pending
    const op = this.#plan.ops[this.#plan.ratio]
    if (op?.spec.rows !== 'gather' || items.length === 0) return
    r.pending = []
    if (!op.spec.keepsRest(op.node.params as never)) return
    this.#r = r
    try {
      this.#at(this.#plan.ratio)
      this.#behindRatio(this.#make?.(items))
    } catch (error) {
      const state = [...r.state]
      const here = { i: r.i, j: 0, state }
      r.failed = { op: this.#op, error, index: this.#indexOf(state), before: here, after: here }
    }
    this.#onOperator?.(-1)
  }

  #sink(x: unknown): void {
    this.#r.out.push(x)
    if (this.#make === undefined) return
    this.#r.cleanI = this.#r.i + 1
    this.#r.cleanState = [...this.#r.state]
  }

  #fail(error: unknown, before: readonly Json[]): void {
    const { r, ratio } = { r: this.#r, ratio: this.#plan.ratio }
    const expand = this.#plan.ops[ratio]
    const { i, j } = r
    const state = [...r.state]
    this.#onOperator?.(-1)
    if (expand?.spec.rows === 'expand' && this.#op > ratio) {
      const behind = expand.slot + statesOf(expand)
      const mixed = (late: readonly Json[]): Json[] => [
        ...before.slice(0, behind),
        ...late.slice(behind),
      ]
      r.failed = {
        op: this.#op,
        error,
        index: this.#indexOf(state),
        before: { i, j, state: mixed(this.#inner) },
        after: { i, j: j + 1, state: mixed(state) },
      }
    } else {
      r.failed = {
        op: this.#op,
        error,
        index: this.#indexOf(state),
        before: { i, j, state: before },
        after: { i: i + 1, j: 0, state },
      }
    }
  }

  /** The failed element's place in its operator's input: functions count an element before they see it. */
  #indexOf(state: readonly Json[]): number | undefined {
    const slot = this.#plan.ops[this.#op]?.countSlot
    return slot === undefined ? undefined : Number(state[slot]) - 1
  }

  #chain(from: number, to: number, last: Next): Next {
    let next = last
    for (let k = to - 1; k >= from; k--) next = this.#stepOf(k, next)
    return next
  }

  #stepOf(k: number, next: Next): Next {
    const op = this.#plan.ops[k]
    if (op === undefined) return next
    const step = this.#bareStep(op, k, next)
    return (x) => {
      const caller = this.#op
      this.#at(k)
      step(x)
      this.#op = caller
      this.#onOperator?.(caller)
    }
  }

  #bareStep(op: SegmentOp, k: number, next: Next): Next {
    const call = this.#userCall(op, k)
    if (op.spec.rows === 'gather') return this.#gather(op.spec.size(op.node.params as never), next)
    if (op.spec.rows === 'expand')
      return this.#expand(op.spec.items(op.node.params as never), call, next)
    const env: StepEnv = {
      call,
      get: (j) => this.#r.state[op.slot + j],
      set: (j, value) => (this.#r.state[op.slot + j] = value as Json),
      finish: () => {
        this.#r.over = true
        if (k > this.#plan.ratio) this.#innerOver = true
      },
      skip: (index, x, error) => this.#env.skip(k, index, x, error),
    }
    return op.spec.step(op.node.params as never, env, next)
  }

  #gather(size: number, next: Next): Next {
    return (x) => {
      this.#r.pending.push(x)
      if (this.#r.pending.length < size) return
      const batch = this.#make?.(this.#r.pending)
      this.#r.pending = []
      next(batch)
    }
  }

  #expand(
    items: (x: unknown, call: UserCall) => readonly unknown[],
    call: UserCall,
    next: Next,
  ): Next {
    return (x) => {
      const ys = items(x, call)
      for (let j = this.#r.j; j < ys.length && !this.#innerOver; j++) {
        this.#r.j = j
        this.#inner = [...this.#r.state]
        next(ys[j])
      }
      this.#r.j = 0
    }
  }

  #userCall(op: SegmentOp, k: number): UserCall {
    const fn = userFnOf(op) as UserCall | undefined
    const local = this.#env.locals[k]
    const slot = op.countSlot
    if (fn === undefined) return () => undefined
    if (slot === undefined) {
      if (local === undefined) return fn
      return (...args) => fn(...args, local.at(this.#positions[op.views] ?? 0))
    }
    return (...args) => {
      const n = Number(this.#r.state[slot])
      this.#r.state[slot] = n + 1
      return local === undefined ? fn(...args) : fn(...args, local.at(n))
    }
  }

  #at(op: number): void {
    this.#op = op
    this.#onOperator?.(op)
  }
}
