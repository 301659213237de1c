import type { PlanNode } from '../plan/node.ts'
import type { Body, Json, OpenContext } from './operator.ts'
import type { Traits } from './traits.ts'

/**
 * What an operator's file holds. A source makes elements, a row operator is fused into a segment's loop, a
 * junction reads its inputs through inlets, a view rearranges the positions of a source with random access.
 */
export type OperatorSpec<P = never> = RowSpec<P> | JunctionSpec<P> | SourceSpec<P> | ViewSpec<P>

/** Row operators by what they do to the number of elements. */
export type RowSpec<P = never> = StepSpec<P> | ExpandSpec<P> | GatherSpec<P>

/** Number of elements where it is known without running: `Infinity` when it never ends. */
export type Cardinality = number | undefined

/** Bytes of an element in memory, where they are known without running. */
export type Bytes = number | undefined

/** A user's function as the engine holds it. */
export type UserFn = (...args: never[]) => unknown

interface SpecBase<P> {
  readonly op: string
  /** One sentence for docs. */
  readonly summary: string
  /** Its name in tf.data and what differs. */
  readonly tfData: string
  /** What decides which elements come out: printed by `explain`, and part of a checkpoint's fingerprint. */
  readonly structure: (params: P) => { readonly [name: string]: Json }
  readonly cardinality: (
    params: P,
    inputs: readonly Cardinality[],
    /** What `batchSize` says of the first input. */
    batchSize: () => Cardinality,
  ) => Cardinality
  /** True when what it hands out is decided while it runs: its tokens hold the decisions. Default: never. */
  readonly decides?: (params: P) => boolean
  /** For `explain`; none of it changes a run. */
  readonly traits?: (params: P, inputs: readonly Cardinality[]) => Traits
  /** About how many bytes an element takes, given those of its inputs. Default: unknown, except of views and filters. */
  readonly bytes?: (params: P, inputs: readonly Bytes[]) => Bytes
  /** Rows of each of its elements, where all are batches of so many. Default: unknown, except of what hands elements on. */
  readonly batchSize?: (params: P) => Cardinality
  /** True when with these parameters, as far as `structure` shows them, it hands on its input as it is. */
  readonly noop?: (params: P) => boolean
  /** Parameters with which it does alone what it and its like right above it do. */
  readonly merge?: (params: P, above: P) => object
}

interface RowBase<P> extends SpecBase<P> {
  readonly kind: 'row'
  /** Its state at the start, JSON values; they go into the token. */
  readonly state?: (params: P) => readonly Json[]
  /** The user's function, if there is one, and how many parameters it has when it does not ask for a `Local`. */
  readonly fn?: (params: P) => { readonly fn: UserFn; readonly arity: number } | undefined
}

/** One element in, that or another or none out. */
export interface StepSpec<P = never> extends RowBase<P> {
  readonly rows: 'same' | 'fewer'
  /** The loop body as text; `x` is the element, the next operator's body follows. */
  readonly emit: (params: P, g: Emitter) => string
  /** The same as a function, where code generation is off. */
  readonly step: (params: P, env: StepEnv, next: Next) => Next
  /** True when the segment is over before it reads another element. */
  readonly over?: (state: readonly Json[]) => boolean
  /** The same next to a source with random access: then what is left out is not even made. */
  readonly view?: (params: P, length: number) => PositionMap
}

/** One element in, several out. */
export interface ExpandSpec<P = never> extends RowBase<P> {
  readonly rows: 'expand'
  readonly items: (params: P) => (x: unknown, call: UserCall) => readonly unknown[]
}

/** Several elements in, one out. */
export interface GatherSpec<P = never> extends RowBase<P> {
  readonly rows: 'gather'
  readonly size: (params: P) => number
  readonly make: (params: P) => (items: readonly unknown[]) => unknown
  /**
   * True when `make` of numbers is a `Float64Array` of them, and of flat records of numbers a record of those:
   * the loop then writes the columns directly.
   */
  readonly columns?: boolean
  /** True when what `make` makes holds none of the elements' typed arrays, but copies. */
  readonly copies?: boolean
  /** Whether an incomplete rest at the end comes out. */
  readonly keepsRest: (params: P) => boolean
}

export type Next = (x: unknown) => void

/** Calls the operator's user function, with a `Local` if it asks for one. */
export type UserCall = (...args: unknown[]) => unknown

/** Helps an operator to write its loop body. */
export interface Emitter {
  /** An expression that calls the user's function. */
  call(args: string): string
  /** The variable that holds state `k` of this operator. */
  state(k: number): string
  /** A variable name of this operator's own. */
  own(name: string): string
  /** Binds a value and gives its name. */
  bind(value: unknown): string
  /** Drops the current element. */
  readonly drop: string
  /** Ends the loop; the current element still goes on unless `drop` follows. */
  readonly finish: string
  /** Reports that the current element, the `index`-th of this operator, is left out because of an error. */
  skip(index: string, error: string): string
}

/** The interpreter's side of `Emitter`. */
export interface StepEnv {
  readonly call: UserCall
  get(k: number): unknown
  set(k: number, value: unknown): void
  finish(): void
  skip(index: number, x: unknown, error: unknown): void
}

/** Reads inputs through inlets; buffers, merges, waits. */
export interface JunctionSpec<P = never> extends SpecBase<P> {
  readonly kind: 'junction'
  readonly open: (node: PlanNode<P>, context: OpenContext, from: Json | undefined) => Body
}

/** Makes elements out of nothing, or out of the world. Exactly one of `indexed` and `open` is there. */
export interface SourceSpec<P = never> extends SpecBase<P> {
  readonly kind: 'source'
  /** Sources with random access: the segment's loop makes the elements itself. */
  readonly indexed?: (params: P) => IndexedSource
  readonly open?: (node: PlanNode<P>, context: OpenContext, from: Json | undefined) => Body
  /**
   * What tells this input from a changed one, where that can be told without reading all of it: a run that was finished
   * is done only as long as it stays the same.
   */
  readonly identity?: (params: P) => Json | Promise<Json>
  /** Why it cannot be resumed and what to do instead; undefined when it can. */
  readonly notResumable?: (params: P) => string | undefined
}

/** Elements by position. */
export interface IndexedSource<O = unknown> {
  /** `Infinity` when it never ends. */
  readonly length: number
  /** Made for each opening, where the elements depend on chance. */
  readonly own?: (chance: Chance) => O
  /** The same where elements have to be waited for, such as for a disk; it is `own`. */
  readonly reading?: () => O & SourceReading
  /** An expression for the element at the position held by the variable `i`; `own` is a variable too. */
  emit(bind: (value: unknown) => string, i: string, own: string): string
  at(i: number, own: O): unknown
  /** What people call the element at a position; default: `array#1[17]`. */
  origin?(i: number): string
}

/** Readies elements of one opening of a source with random access, and ends with it. */
export interface SourceReading {
  /**
   * Makes the next elements ready to be taken: `upcoming(k)` is the position of the k-th, undefined behind the end.
   * Returns how many leading ones are: at least one, at most `wanted`.
   */
  ready(wanted: number, upcoming: (k: number) => number | undefined): Promise<number>
  close(): Promise<void>
}

/** Keys of a node's chance: (seed, node, epoch), and the same for all epochs. */
export interface Chance {
  readonly key: number
  readonly fixedKey: number
}

/** Leaves out or reorders the positions of a source with random access: nothing is read that is not needed. */
export interface ViewSpec<P = never> extends SpecBase<P> {
  readonly kind: 'view'
  /** @throws InvalidArgumentError when so many positions cannot be rearranged. */
  readonly view: (params: P, length: number) => PositionMap
}

/** Positions of a view as positions of what is below it. */
export interface PositionMap<O = unknown> {
  readonly length: number
  /** True when it only cuts off the end: operators on single elements cannot tell, so it may pass them. */
  readonly prefix?: boolean
  readonly own?: (chance: Chance) => O
  /** An expression for the position below of the one held by the variable `i`. */
  emit(i: string, own: string): string
  at(i: number, own: O): number
}

/** Cardinality of what keeps the number of elements. */
export const sameCardinality = (_: unknown, [n]: readonly Cardinality[]): Cardinality => n

/** Bytes of what hands on elements as they are. */
export const sameBytes = (_: unknown, [bytes]: readonly Bytes[]): Bytes => bytes

/** Cardinality of what drops elements by their value. */
export const unknownCardinality = (_: unknown, [n]: readonly Cardinality[]): Cardinality =>
  n === 0 ? 0 : undefined

/** True for functions that ask for a `Local` behind their `arity` parameters; making one costs. */
export function wantsLocal(fn: UserFn, arity: number): boolean {
  return fn.length !== arity
}
