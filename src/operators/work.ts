import type { Token } from '../stream/operator.ts'

/** What ended a task. */
export interface Failed {
  readonly error: unknown
  /** Calls that were made for the element; 1 where nothing else is said. */
  readonly attempts?: number
}

/** Some neighbouring elements under way. */
export interface Task {
  /** The inlet's token at the first element. */
  readonly before: Token
  readonly first: number
  readonly items: readonly unknown[]
  /** Results of the leading elements; fewer than `items` while under way or when one failed. */
  values: readonly unknown[]
  /** Elements handed out already. */
  done: number
  failed?: Failed
  /** True for an element that a checkpoint says was left out. */
  readonly skipped: boolean
  /** Resolves when nothing of the task is under way any more. */
  settled: Promise<void>
}

/** Runs tasks: calls in this thread, or jobs in workers. */
export interface Runner {
  /** Tasks under way at most. */
  readonly width: number
  /** Elements a task should hold. */
  group(): number
  /** Results that may wait for their turn, by their size in memory. */
  room(): number
  /** Fills `task.values` or `task.failed`, calls `finished` once; never rejects. */
  run(task: Task, finished: () => void): Promise<void>
  /** Nobody wants the results any more: what waits for limits and retries ends. */
  stop?(): void
}
