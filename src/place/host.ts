import type { CoordinatorEnd, Rings } from './protocol.ts'

/** What a worker lives in: a thread, or a process. */
export interface Host {
  /** Such as `thread`. */
  readonly kind: string
  readonly channel: CoordinatorEnd
  /** The memory that it shares with this thread, if any. */
  readonly rings: Rings | undefined
  /** Settles when it is gone. */
  readonly exited: Promise<Exit>
  /** Whether a value can be sent there; asked only after sending failed. */
  sendable(value: unknown): boolean
  /** Whether it keeps this program from ending. */
  hold(held: boolean): void
  /** Ends it at once, whatever it does; resolves when it is gone. */
  kill(): Promise<void>
}

/** How a host went. */
export interface Exit {
  /** In words, such as `it left with exit code 7`. */
  readonly how: string
  /** What was thrown in it and caught by nobody, if that ended it. */
  readonly crash?: unknown
}

/** How a host went that left by itself. */
export function leftWith(code: number): string {
  return `it left with exit code ${code}; a stage must not end its process: let it throw instead`
}
