import type { Emitter, RowSpec, UserFn } from '../stream/spec.ts'
import type { SegmentOp, SegmentPlan } from './cut.ts'
import { type GatherText, gatherText } from './generate-gather.ts'
import { literalFields } from './literal-fields.ts'
import type { Loop, LoopEnv } from './loop.ts'

/** Makes loops for one segment, a new one for each opening. */
export type LoopFactory = (env: LoopEnv) => Loop

let tags = 0

/**
 * The segment as one generated loop: source, operators and output fused, state in local variables.
 *
 * The text gets a tag of its own: V8 caches functions by text, feedback included, and two pipelines of the
 * same operators would share type feedback and lose a factor of 2 to 3.
 *
 * `fields` are the members of the records that will be batched, all numbers, once `onBatch` told the first one.
 */
export function generate(
  plan: SegmentPlan,
  fields: readonly string[] | undefined,
  onBatch: (first: unknown) => void,
): LoopFactory {
  const writer = new Writer(plan, fields, onBatch)
  const text = `/* ${++tags} */ 'use strict'\n${writer.text()}\n//# sourceURL=millstream:segment-${tags}`
  // Of users, only names of fields enter, as JSON; functions and values are bound through `bound`.
  const make = new Function('bound', 'env', text) as (
    bound: readonly unknown[],
    env: LoopEnv,
  ) => Loop
  return (env) => make(writer.bound, env)
}

class Writer {
  readonly #plan: SegmentPlan
  readonly #gather: GatherText | undefined
  readonly bound: unknown[] = []

  constructor(
    plan: SegmentPlan,
    fields: readonly string[] | undefined,
    onBatch: (first: unknown) => void,
  ) {
    this.#plan = plan
    const op = plan.ops[plan.ratio]
    if (op?.spec.rows !== 'gather') return
    const stack = op.spec.make(op.node.params as never)
    const make = (items: readonly unknown[]): unknown => {
      onBatch(items[0])
      return stack(items)
    }
    const size = op.spec.size(op.node.params as never)
    const exact = fields !== undefined && makesExactly(plan.ops[plan.ratio - 1], fields)
    const { columns } = op.spec
    this.#gather = gatherText({ size, make: this.#bind(make), columns, fields, exact })
  }

  text(): string {
    const run = this.#run()
    const flush = this.#flush()
    const binds = this.bound.map((_, k) => `const b${k} = bound[${k}]`)
    const locals = this.#plan.ops.flatMap((op, k) =>
      op.wantsLocal ? [`const L${k} = env.locals[${k}]`] : [],
    )
    const own = this.#plan.views.map((_, k) => `const W${k} = env.own[${k + 1}]`)
    own.push('const W = env.own[0]')
    return [...binds, ...locals, ...own, run, `return { run, flush(r) {\n${flush}\n} }`].join('\n')
  }

  /**
   * `hot` is the loop, `run` takes its state from `r` and back. The end of a loop has run too rarely to have type
   * feedback when the loop is optimized in its middle: array literals and stores to arrays there made it fall back
   * to the interpreter in each run, 3 to 6 ns an element; plain members of one object do not.
   */
  #run(): string {
    const { source, state } = this.#plan
    const gather = this.#gather
    const at = this.#positionBehind(0)
    const element = source === undefined ? 'xs[i]' : source.emit((v) => this.#bind(v), at, 'W')
    const clean = gather !== undefined ? `cleanI = i + 1; ${this.#copy('c', 's')}` : ''
    const slots = state.map((_, k) => k)
    const columns = gather?.columns ?? []
    const members = [...slots.map((k) => `s${k}: 0, c${k}: 0`), ...columns.map((c) => `${c}: none`)]
    return `
const none = new Float64Array(0)
const Z = { k: 0, ${members.join(', ')} }
function run(r) {
  const S = r.state, C = r.columns
  ${slots.map((k) => `Z.s${k} = S[${k}]`).join('; ')}
  Z.k = r.rows
  if (Z.k > 0) { ${columns.map((c, k) => `Z.${c} = C[${k}]`).join('; ')} }
  hot(r)
  ${this.#store('Z.')}
  r.rows = Z.k
  if (Z.k > 0) r.columns = [${columns.map((c) => `Z.${c}`).join(', ')}]
  ${gather !== undefined ? `if (r.cleanI >= 0) r.cleanState = [${this.#names('Z.c')}]` : ''}
}
function hot(r) {
  const xs = r.xs, n = r.n, max = r.max, out = r.out
  let i = r.i, o = out.length, over = r.over, J = r.j, pending = r.pending, st = 0, cleanI = -1
  let inner = false, k = Z.k
  ${columns.map((c) => `let ${c} = Z.${c}`).join('; ')}
  ${this.#load((k) => `Z.s${k}`)}
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
  ${slots.map((k) => `Z.s${k} = s${k}; Z.c${k} = c${k}`).join('; ')}
  ${columns.map((c) => `Z.${c} = ${c}`).join('; ')}
  Z.k = k; r.i = i; r.j = J; r.over = over; r.pending = pending; r.cleanI = cleanI
}`
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
    if (op.spec.rows === 'gather') return mark + (this.#gather?.step ?? '') + rest()
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

  /** Lets out the incomplete batch: the operators behind it, once. */
  #flush(): string {
    const { ops, ratio } = this.#plan
    const op = ops[ratio]
    if (this.#gather === undefined || op?.spec.rows !== 'gather') return ''
    if (!op.spec.keepsRest(op.node.params as never)) return 'r.pending = []; r.rows = 0'
    return `
if (r.pending.length === 0 && r.rows === 0) return
const out = r.out, S = r.state
let i = r.i, o = out.length, over = r.over, J = 0, pending = r.pending, st = ${ratio}, inner = false, x
const [${this.#gather.columns.join(', ')}] = r.columns, k = r.rows
${this.#load((k) => `S[${k}]`)}
try {
  do {
    ${this.#gather.rest}
${this.#body(ratio + 1, 'out[o++] = x')}
  } while (false)
} catch (error) {
  const state = [${this.#names('s')}]
  r.failed = { op: st, error, index: ${this.#index()}, before: { i, j: 0, state }, after: { i, j: 0, state } }
}
${this.#store()}
r.over = over; r.pending = []; r.rows = 0`
  }

  /** The failed element's place in its operator's input: functions count an element before they see it. */
  #index(): string {
    const counts = this.#plan.ops.map(({ countSlot }) =>
      countSlot === undefined ? 'undefined' : `s${countSlot} - 1`,
    )
    return `[${counts.join(', ')}][st]`
  }

  /** State before the failed element, to come back to it, and behind it, to go on. */
  #failure(): string {
    const { ops, ratio } = this.#plan
    const all = this.#names('s')
    const index = this.#index()
    const plain = `{ op: st, error, index: ${index}, before: { i, j: J, state: [${this.#names('p')}] }, after: { i: i + 1, j: 0, state: [${all}] } }`
    const expand = ops[ratio]
    if (expand?.spec.rows !== 'expand') return plain
    const behind = expand.slot + statesOf(expand)
    const mixed = (late: string): string =>
      this.#plan.state.map((_, k) => `${k < behind ? 'p' : late}${k}`).join(', ')
    return `st <= ${ratio} ? ${plain} : { op: st, error, index: ${index}, before: { i, j: J, state: [${mixed('q')}] }, after: { i, j: J + 1, state: [${mixed('s')}] } }`
  }

  #load(from: (k: number) => string): string {
    return this.#plan.state
      .map((_, k) => `let s${k} = ${from(k)}, p${k} = s${k}, q${k} = s${k}, c${k} = s${k}`)
      .join('\n')
  }

  #store(of = ''): string {
    return this.#plan.state.length === 0 ? '' : `r.state = [${this.#names(`${of}s`)}]`
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
    if (op.wantsLocal) {
      const at = op.countSlot === undefined ? this.#positionBehind(op.views) : `s${op.countSlot}++`
      return `${name}(${args}, L${k}.at(${at}))`
    }
    return op.countSlot === undefined
      ? `${name}(${args})`
      : `(s${op.countSlot}++, ${name}(${args}))`
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
      skip: (index, error) => `env.skip(${k}, ${index}, x, ${error})`,
      // What ends the segment from before an expansion lets that expansion finish.
      finish: this.#plan.ratio >= 0 && k > this.#plan.ratio ? 'over = inner = true' : 'over = true',
    }
  }
}

/** Whether an operator right before a batch makes records of these fields and no other, by the text of its function. */
function makesExactly(op: SegmentOp | undefined, fields: readonly string[]): boolean {
  if (op?.node.op !== 'map') return false
  const names = literalFields(userFnOf(op))
  return names?.size === fields.length && fields.every((field) => names.has(field))
}

/** Number of states of an operator, its counter included. */
export function statesOf({ spec, node, countSlot }: SegmentOp): number {
  return (spec.state?.(node.params as never) ?? []).length + (countSlot === undefined ? 0 : 1)
}

export function userFnOf({
  spec,
  node,
}: {
  spec: RowSpec
  node: SegmentOp['node']
}): UserFn | undefined {
  return spec.fn?.(node.params as never)?.fn
}
