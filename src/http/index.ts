/** What answers of HTTP servers ask of their callers. */
export { type FailureKind, failureOf, HttpError, ok, statusOf } from './failure.ts'
export { pauseOf, remainingOf } from './pause.ts'
