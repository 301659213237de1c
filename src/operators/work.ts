import type { LazyToken, Token } from '../stream/operator.ts'

/** Calls the user's function on element `ordinal`; made once for each opening. */
export type Invoke = (x: unknown, ordinal: number, signal: AbortSignal) => unknown

/** An element on which all calls failed. */
export interface Failure {
  readonly ordinal: number
  readonly element: unknown
  readonly error: unknown
  /** Calls that were made for it. */
  readonly attempts: number
}

/** Neighbouring elements for a job. */
export interface Run {
  /** Ordinal of the first. */
  readonly first: number
  readonly items: readonly unknown[]
}

/** Where lanes take elements and bring results: the work edge as they see it. */
export interface Desk {
  /** Moves on to the next element; false when the lane should end. */
  take(): boolean
  /** The element taken. */
  readonly item: unknown
  readonly ordinal: number
  /** Takes neighbouring elements; undefined when the lane should end. */
  takeRun(max: number): Run | undefined
  put(ordinal: number, value: unknown): void
  fail(failure: Failure): void
  /** Elements behind a failed one, to be taken again by any lane. */
  giveBack(rest: Run): void
  /** Lanes that are running. */
  readonly active: number
  /** Starts more lanes, where the runner has become wider. */
  widen(): void
  /** The lane has ended; it may be started again. */
  park(lane: number): void
}

/** Works on elements: calls in this thread, or jobs in workers. */
export interface Runner {
  /** Lanes at most; each works on one thing at a time. It may change. */
  readonly width: number
  /** Elements that a lane takes at once. */
  group(): number
  /** Finished elements that may wait for their turn at most, where the runner limits them. */
  room?(): number | undefined
  /** Results of elements before `ordinal` are not in use any more. */
  reuse?(ordinal: number): void
  /** Works until there is nothing to take, then parks; never rejects. Lanes are numbered from 1. */
  lane(desk: Desk, lane: number): void
  /** What its lanes wait for, in words, where it knows more than their number. */
  waits?(): string | undefined
  /** Nobody wants the results any more: what waits for limits and retries ends. */
  stop?(): void
}

/** What was worked on and not handed out, and in which order it goes. */
export interface Results {
  /** How many could be handed out now, failures among them. */
  readonly ready: number
  /** True while the order of a checkpoint is repeated: then what is ready may wait for what has not begun. */
  readonly repeats: boolean
  /** Ordinal of the first element that was not handed out: a resume begins with it. */
  readonly low: number
  /** Elements left out so far. */
  readonly leftOut: number
  /**
   * How many elements may begin, from the next one on, when so many results may wait. One at a time while
   * `leavesOut` must be asked of them.
   */
  admits(next: number, room: number): number
  /** True, and noted, when a checkpoint says that the element was dealt with. */
  leavesOut(ordinal: number): boolean
  put(ordinal: number, value: unknown): void
  fail(failure: Failure): void
  /** Moves results to `out` until it holds `max`, or up to a failure, which is returned and stays. */
  collect(out: unknown[], max: number): Failure | undefined
  /** False when a checkpoint says that the element was delivered. */
  maySkip(failure: Failure): boolean
  /** The failure that `collect` returned is left out by policy. */
  skip(failure: Failure): void
  /** It becomes an error. */
  raise(failure: Failure): void
  /** @throws CheckpointMismatchError when the checkpoint knows of elements that did not come. */
  end(): void
  /** `[state, decisions since it]`, of the input's state at `low`. */
  token(state: Token): readonly [Token, LazyToken]
}
