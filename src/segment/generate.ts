import type { Emitter, GatherSpec, RowSpec, UserFn } from '../stream/spec.ts'
import type { SegmentOp, SegmentPlan } from './cut.ts'
import type { Loop, LoopEnv } from './loop.ts'

/** Makes loops for one segment, a new one for each opening. */
export type LoopFactory = (env: LoopEnv) => Loop

let tags = 0

/**
 * The segment as one generated loop: source, operators and output fused, state in local variables.
 *
 * The text gets a tag of its own: V8 caches functions by text, feedback included, and two pipelines of the
 * same operators would share type feedback and lose a factor of 2 to 3.
 */
export function generate(plan: SegmentPlan): LoopFactory {
  const writer = new Writer(plan)
  const text = `/* ${++tags} */ 'use strict'\n${writer.text()}\n//# sourceURL=millstream:segment-${tags}`
  // User text never enters: functions and values are bound through `bound`, names are the library's own.
  const make = new Function('bound', 'env', text) as (
    bound: readonly unknown[],
    env: LoopEnv,
  ) => Loop
  return (env) => make(writer.bound, env)
}

class Writer {
  readonly #plan: SegmentPlan
  readonly bound: unknown[] = []

  constructor(plan: SegmentPlan) {
    this.#plan = plan
  }

  text(): string {
    const run = this.#run()
    const flush = this.#flush()
    const binds = this.bound.map((_, k) => `const b${k} = bound[${k}]`)
    const locals = this.#plan.ops.flatMap((op, k) =>
      op.localSlot === undefined ? [] : [`const L${k} = env.locals[${k}]`],
    )
    const own = this.#plan.views.map((_, k) => `const W${k} = env.own[${k + 1}]`)
    own.push('const W = env.own[0]')
    return [
      ...binds,
      ...locals,
      ...own,
      `return { run(r) {\n${run}\n}, flush(r) {\n${flush}\n} }`,
    ].join('\n')
  }

  #run(): string {
    const { source, ratio } = this.#plan
    const gather = this.#plan.ops[ratio]?.spec.rows === 'gather'
    const at = this.#positionBehind(0)
    const element = source === undefined ? 'xs[i]' : source.emit((v) => this.#bind(v), at, 'W')
    const clean = gather ? `cleanI = i + 1; ${this.#copy('c', 's')}` : ''
    return `
const xs = r.xs, n = r.n, max = r.max, out = r.out, S = r.state
let i = r.i, o = out.length, over = r.over, J = r.j, pending = r.pending, st = 0, cleanI = -1
let numbers, k = 0, inner = false
${this.#load()}
try {
  for (; i < n && o < max && !over; i++) {
    ${this.#copy('p', 's')}
    ${this.#positions()}
    let x = ${element}
${this.#body(0, `out[o++] = x; ${clean}`)}
  }
} catch (error) {
  r.failed = ${this.#failure()}
}
${this.#store()}
if (k > 0) pending = Array.from(numbers.subarray(0, k))
r.i = i; r.j = J; r.over = over; r.pending = pending; r.cleanI = cleanI
${gather ? `if (cleanI >= 0) r.cleanState = [${this.#names('c')}]` : ''}`
  }

  /** The position of the current element behind each view, from the last down to the source's own. */
  #positions(): string {
    const { views } = this.#plan
    return views
      .map(({ map }, k) => `const v${k} = ${map.emit(this.#positionBehind(k + 1), `W${k}`)}`)
      .reverse()
      .join('; ')
  }

  #positionBehind(views: number): string {
    return views === this.#plan.views.length ? 'i' : `v${views}`
  }

  /** The operators from `from` on, then `sink`; an expansion opens an inner loop. */
  #body(from: number, sink: string): string {
    const op = this.#plan.ops[from]
    if (op === undefined) return `    ${sink}`
    const mark = `    st = ${from}; `
    const rest = (): string => this.#body(from + 1, sink)
    if (op.spec.rows === 'gather') return this.#gather(op.spec, op, mark) + rest()
    if (op.spec.rows === 'expand') {
      const items = this.#bind(op.spec.items(op.node.params as never))
      return `${mark}const ys = ${items}(x, ${this.#callback(op, from)})
    for (let j = J; j < ys.length && !inner; j++) {
      J = j; ${this.#copy('q', 's', op.slot + statesOf(op))}
      x = ys[j]
${rest()}
    }
    J = 0`
    }
    return `${mark}${op.spec.emit(op.node.params as never, this.#emitter(op, from))}\n${rest()}`
  }

  /** Collects elements; whole batches of numbers go straight into their typed array, 2 ns an element less. */
  #gather(spec: GatherSpec, op: SegmentOp, mark: string): string {
    const make = this.#bind(spec.make(op.node.params as never))
    const size = spec.size(op.node.params as never)
    const general = `pending.push(x); if (pending.length < ${size}) continue
${mark}x = ${make}(pending); pending = []\n`
    if (spec.numbers !== true) return general
    return `if (typeof x === 'number' && pending.length === 0) {
  if (k === 0) numbers = new Float64Array(${size})
  numbers[k++] = x
  if (k < ${size}) continue
  x = numbers; k = 0
} else {
  if (k > 0) { pending = Array.from(numbers.subarray(0, k)); k = 0 }
  ${general}}
`
  }

  /** Lets out the incomplete batch: the operators behind it, once. */
  #flush(): string {
    const { ops, ratio } = this.#plan
    const op = ops[ratio]
    if (op?.spec.rows !== 'gather') return ''
    const spec: GatherSpec = op.spec
    if (!spec.keepsRest(op.node.params as never)) return 'r.pending = []'
    return `
if (r.pending.length === 0) return
const out = r.out, S = r.state
let i = r.i, o = out.length, over = r.over, J = 0, pending = r.pending, st = ${ratio}, inner = false, x
${this.#load()}
try {
  do {
    x = ${this.#bind(spec.make(op.node.params as never))}(pending); pending = []
${this.#body(ratio + 1, 'out[o++] = x')}
  } while (false)
} catch (error) {
  const state = [${this.#names('s')}]
  r.failed = { op: st, error, before: { i, j: 0, state }, after: { i, j: 0, state } }
}
${this.#store()}
r.over = over; r.pending = []`
  }

  /** State before the failed element, to come back to it, and behind it, to go on. */
  #failure(): string {
    const { ops, ratio } = this.#plan
    const all = this.#names('s')
    const plain = `{ op: st, error, before: { i, j: J, state: [${this.#names('p')}] }, after: { i: i + 1, j: 0, state: [${all}] } }`
    const expand = ops[ratio]
    if (expand?.spec.rows !== 'expand') return plain
    const behind = expand.slot + statesOf(expand)
    const mixed = (late: string): string =>
      this.#plan.state.map((_, k) => `${k < behind ? 'p' : late}${k}`).join(', ')
    return `st <= ${ratio} ? ${plain} : { op: st, error, before: { i, j: J, state: [${mixed('q')}] }, after: { i, j: J + 1, state: [${mixed('s')}] } }`
  }

  #load(): string {
    const { state } = this.#plan
    return state
      .map((_, k) => `let s${k} = S[${k}], p${k} = s${k}, q${k} = s${k}, c${k} = s${k}`)
      .join('\n')
  }

  #store(): string {
    return this.#plan.state.map((_, k) => `S[${k}] = s${k}`).join('; ')
  }

  #copy(to: string, from: string, start = 0): string {
    return this.#plan.state
      .map((_, k) => (k < start ? '' : `${to}${k} = ${from}${k}`))
      .filter(Boolean)
      .join('; ')
  }

  #names(prefix: string): string {
    return this.#plan.state.map((_, k) => `${prefix}${k}`).join(', ')
  }

  #bind(value: unknown): string {
    const known = this.bound.indexOf(value)
    return `b${known >= 0 ? known : this.bound.push(value) - 1}`
  }

  #userCall(op: SegmentOp, k: number, args: string): string {
    const name = this.#bind(userFnOf(op))
    if (op.localSlot === undefined) return `${name}(${args})`
    const index =
      op.views < this.#plan.views.length ? this.#positionBehind(op.views) : `s${op.localSlot}++`
    return `${name}(${args}, L${k}.at(${index}))`
  }

  #callback(op: SegmentOp, k: number): string {
    return op.spec.fn === undefined ? 'undefined' : `(x) => ${this.#userCall(op, k, 'x')}`
  }

  #emitter(op: SegmentOp, k: number): Emitter {
    return {
      call: (args) => this.#userCall(op, k, args),
      state: (j) => `s${op.slot + j}`,
      own: (name) => `${name}${k}`,
      bind: (value) => this.#bind(value),
      drop: 'continue',
      // What ends the segment from before an expansion lets that expansion finish.
      finish: this.#plan.ratio >= 0 && k > this.#plan.ratio ? 'over = inner = true' : 'over = true',
    }
  }
}

/** Number of states of an operator, its `Local`'s counter included. */
export function statesOf({ spec, node, localSlot }: SegmentOp): number {
  return (spec.state?.(node.params as never) ?? []).length + (localSlot === undefined ? 0 : 1)
}

export function userFnOf({
  spec,
  node,
}: {
  spec: RowSpec
  node: SegmentOp['node']
}): UserFn | undefined {
  return spec.fn?.(node.params as never).fn
}
