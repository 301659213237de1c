import { CheckpointMismatchError, InvalidArgumentError, StageError } from '../errors/index.ts'
import { planOf, type PlanNode } from '../plan/node.ts'
import { ElementFailure } from '../stream/failure.ts'
import { Inlet } from '../stream/inlet.ts'
import { fillMarked, Marks } from '../stream/marks.ts'
import type { Body, Chunk, Json, OpenContext, Operator, Token } from '../stream/operator.ts'
import { type JunctionSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'
import { checkWhole } from './check.ts'
import type { Wrap } from './window.ts'

export interface GroupByWindowParams {
  readonly key: UserFn
  /** Of key and window, a dataset. */
  readonly reduce: UserFn
  /** Elements of a full window, or a function of the key. */
  readonly windowSize: number | UserFn
  readonly wrap: Wrap
}

export const groupByWindowSpec: JunctionSpec<GroupByWindowParams> = {
  op: 'groupByWindow',
  kind: 'junction',
  summary:
    'Collects elements of a key and makes a dataset of each so many; what is left at the end comes by key, ascending.',
  tfData: 'group_by_window; keys may be text',
  structure: ({ windowSize }) => ({
    windowSize: typeof windowSize === 'number' ? windowSize : null,
  }),
  cardinality: unknownCardinality,
  traits: () => ({
    runs: 'keeps a window for each key',
    resume: 'reads again from the first element of the oldest window that is not full',
  }),
  open: (node, context, from) => new GroupByWindow(node, context, from),
}

type Key = string | number | bigint | boolean

/** A window in the making, or one that is read. */
interface Group {
  readonly key: Key
  /** Ordinal of its first element: with the key's function, all that names it. */
  readonly start: number
  readonly size: number
  readonly items: unknown[]
}

/** A window whose dataset is read. */
interface Current {
  readonly group: Group
  readonly reader: Operator
}

/**
 * Token: [inlet state at the oldest element in use, ordinal of the next element, starts of the open windows,
 * start of the window that is read or -1, its state, windows made]. A window holds the elements of its key from
 * its start on, so that starts and the function of keys name what is collected.
 */
class GroupByWindow implements Body {
  readonly #inlet: Inlet
  readonly #marks = new Marks()
  readonly #params: GroupByWindowParams
  readonly #context: OpenContext
  readonly #groups = new Map<Key, Group>()
  #current: Current | undefined
  #made = 0
  #ended = false
  #restore: Json | undefined

  constructor(node: PlanNode<GroupByWindowParams>, context: OpenContext, from: Json | undefined) {
    const [state] = Array.isArray(from) ? (from as readonly Json[]) : []
    this.#inlet = new Inlet(context.open(0, Inlet.upstreamOf(state)), state)
    this.#params = node.params
    this.#context = context
    this.#restore = from
  }

  async pull(): Promise<Chunk | null> {
    if (this.#restore !== undefined) await this.#refill(this.#restore)
    for (;;) {
      if (this.#current !== undefined) {
        const chunk = await this.#current.reader.pull()
        if (chunk !== null) return chunk
        await this.#closeCurrent(this.#current)
      }
      const full = this.#ended ? this.#leastKey() : await this.#fill()
      if (full !== undefined) this.#open(full)
      else if (this.#ended && this.#groups.size === 0) return null
    }
  }

  tok(): Token {
    if (this.#restore !== undefined) return this.#restore
    const starts = [...this.#groups.values()].map(({ start }) => start)
    const current = this.#current
    const next = this.#inlet.ordinal
    const oldest = Math.min(next, ...starts, current?.group.start ?? next)
    const state = oldest === next ? this.#inlet.tok() : this.#marks.at(oldest)
    const inner = current?.reader.tok() ?? null
    return [state, next, starts, current?.group.start ?? -1, inner, this.#made]
  }

  /** Reads until a window is full; undefined at the end of the input. */
  async #fill(): Promise<Group | undefined> {
    const inlet = this.#inlet
    while (await fillMarked(inlet, this.#marks)) {
      while (inlet.i < inlet.n) {
        const group = this.#add(inlet)
        if (group.items.length === group.size) return group
      }
    }
    this.#ended = true
    return undefined
  }

  /** Adds the next element to its window. Moves behind it in any case. */
  #add(inlet: Inlet): Group {
    const { ordinal } = inlet
    const x = inlet.xs[inlet.i++]
    const key = at(ordinal, () => keyOf(this.#params.key, x))
    let group = this.#groups.get(key)
    if (group === undefined) {
      const size = at(ordinal, () => sizeOf(this.#params.windowSize, key))
      group = { key, start: ordinal, size, items: [] }
      this.#groups.set(key, group)
    }
    group.items.push(x)
    return group
  }

  /** tf.data keeps windows in an ordered map. */
  #leastKey(): Group | undefined {
    let least: Group | undefined
    for (const group of this.#groups.values())
      if (least === undefined || group.key < least.key) least = group
    return least
  }

  #open(group: Group, from?: Json): void {
    const last = this.#inlet.ordinal - 1
    this.#groups.delete(group.key)
    const made = this.#made++
    const { reduce, wrap } = this.#params
    const dataset = at(last, () =>
      (reduce as (...args: unknown[]) => unknown)(group.key, wrap(group.items)),
    )
    const plan = planOf(dataset)
    if (plan === undefined) {
      const what = `reduce of groupByWindow must return a dataset, not ${describe(dataset)}`
      throw new ElementFailure(last, new InvalidArgumentError(what))
    }
    this.#current = { group, reader: this.#context.openPlan(plan, made, from) }
  }

  async #closeCurrent({ reader }: Current): Promise<void> {
    this.#current = undefined
    await reader.close()
    const starts = [...this.#groups.values()].map(({ start }) => start)
    this.#marks.forget(Math.min(this.#inlet.ordinal, ...starts))
  }

  /** After a resume: reads again from the oldest element in use, and keeps those of windows that are. */
  async #refill(from: Json): Promise<void> {
    const [, next, starts, currentStart, inner, made] = from as readonly Json[]
    const inUse = new Set([...(starts as readonly number[]), Number(currentStart)])
    while (this.#inlet.ordinal < Number(next)) {
      if (!(await this.#fillAgain())) throw shorterInput(this.#inlet.ordinal, Number(next))
      this.#addAgain(inUse)
    }
    this.#made = Number(made)
    this.#restore = undefined
    const current = [...this.#groups.values()].find(({ start }) => start === Number(currentStart))
    if (current === undefined) return
    this.#made--
    this.#open(current, inner ?? undefined)
  }

  /** Elements of windows that were read to the end are left out, and so is what failed: both were delivered. */
  #addAgain(inUse: ReadonlySet<number>): void {
    const inlet = this.#inlet
    const { ordinal } = inlet
    const x = inlet.xs[inlet.i]
    try {
      const key = keyOf(this.#params.key, x)
      if (this.#groups.has(key) || inUse.has(ordinal)) {
        this.#add(inlet)
        return
      }
    } catch (error) {
      if (inUse.has(ordinal))
        throw error instanceof ElementFailure ? error : new ElementFailure(ordinal, error)
    }
    inlet.i++
  }

  async #fillAgain(): Promise<boolean> {
    for (;;) {
      try {
        return await fillMarked(this.#inlet, this.#marks)
      } catch (error) {
        if (!(error instanceof StageError)) throw error
      }
    }
  }
}

function at<R>(ordinal: number, call: () => R): R {
  try {
    return call()
  } catch (error) {
    throw new ElementFailure(ordinal, error)
  }
}

function keyOf(fn: UserFn, x: unknown): Key {
  const key = (fn as (x: unknown) => unknown)(x)
  if (['string', 'number', 'bigint', 'boolean'].includes(typeof key)) return key as Key
  throw new InvalidArgumentError(
    `the key of groupByWindow must be text, a number or a boolean, not ${describe(key)}`,
  )
}

function sizeOf(size: number | UserFn, key: Key): number {
  const value = typeof size === 'number' ? size : (size as (key: unknown) => unknown)(key)
  return checkWhole('groupByWindow', 'windowSize', value, 1)
}

function shorterInput(got: number, wanted: number): Error {
  return new CheckpointMismatchError(
    `groupByWindow: the input ended at element ${got}, but the checkpoint saw ${wanted}: it is not the input it was`,
  )
}
