import type { ElementLocal } from '../stream/local.ts'
import type { Json } from '../stream/operator.ts'

/** State of a segment before or after one element. */
export interface Position {
  /** Place of the next element in the chunk, or in the source. */
  readonly i: number
  /** Elements of its expansion that are done already. */
  readonly j: number
  readonly state: readonly Json[]
}

/** What a loop reads and writes; generated and interpreted loops share it, so they can take turns. */
export interface LoopState {
  xs: readonly unknown[]
  i: number
  /** Read up to and without this place. */
  n: number
  /** Elements of `out` at most, except that an expansion is finished. */
  max: number
  out: unknown[]
  /** Elements of the current expansion that are done already. */
  j: number
  state: Json[]
  /** Half of a batch. */
  pending: unknown[]
  /** True when an operator ended the segment. */
  over: boolean
  /** Place and state behind the last complete batch; -1 when there was none in this run of the loop. */
  cleanI: number
  cleanState: readonly Json[]
  failed: LoopFailure | undefined
}

/** Nothing read yet. */
export function freshState(state: Json[]): LoopState {
  const input = { xs: [], i: 0, n: 0, max: 0, out: [] }
  return {
    ...input,
    j: 0,
    state,
    pending: [],
    over: false,
    cleanI: -1,
    cleanState: [],
    failed: undefined,
  }
}

/** An element failed in operator `op`; `out` holds what precedes it. */
export interface LoopFailure {
  readonly op: number
  readonly error: unknown
  readonly before: Position
  readonly after: Position
}

/** A segment's loop. */
export interface Loop {
  /** Runs until the chunk or the input is used up, or the segment is over or failed. */
  run(r: LoopState): void
  /** Lets out the incomplete batch at the end of the input. */
  flush(r: LoopState): void
}

/** What a loop needs of one opening of its segment. */
export interface LoopEnv {
  /** A `Local` for each operator whose function asks for one. */
  readonly locals: readonly (ElementLocal | undefined)[]
  /** What the source made of its chance, then what each view made of its. */
  readonly own: readonly unknown[]
}
