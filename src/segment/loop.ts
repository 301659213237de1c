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

/**
 * What a loop reads and writes; generated and interpreted loops share it, so they can take turns. A class, so that
 * all have one hidden class: optimized loops fall back to the interpreter when they meet another.
 */
export class LoopState {
  xs: readonly unknown[] = []
  i = 0
  /** Read up to and without this place. */
  n = 0
  /** Elements of `out` at most, except that an expansion is finished. */
  max = 0
  out: unknown[] = []
  /** Elements of the current expansion that are done already. */
  j = 0
  state: Json[]
  /** Half of a batch: elements, or `rows` rows of `columns`, never both. */
  pending: unknown[] = []
  /** Half of a batch as the columns it will have; only loops that know its fields read and write them. */
  columns: readonly Float64Array[] = []
  rows = 0
  /** True when an operator ended the segment. */
  over = false
  /** Place and state behind the last complete batch; -1 when there was none in this run of the loop. */
  cleanI = -1
  cleanState: readonly Json[] = []
  failed: LoopFailure | undefined = undefined

  /** Nothing read yet. */
  constructor(state: Json[]) {
    this.state = state
  }
}

/** An element failed in operator `op`; `out` holds what precedes it. */
export interface LoopFailure {
  readonly op: number
  readonly error: unknown
  /** Position of the element in the operator's input, where that is not the segment's. */
  readonly index: number | undefined
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
  /** Operator `op` leaves out its `index`-th element because of an error. */
  readonly skip: (op: number, index: number, element: unknown, error: unknown) => void
}
