import { inspect } from 'node:util'
import { MillstreamError, UsageError } from '../errors/index.ts'

/** How a failed command ends: with 2 where the call was wrong, else with 1. */
export function exitCodeOf(error: unknown): number {
  return isNamed(error, UsageError) ? 2 : 1
}

/** What to write on stderr: message and code first, then the user's own stack lines, then causes. */
export function describeFailure(error: unknown): string {
  if (isNamed(error, UsageError)) {
    return `millstream: ${error.message}\nSee millstream --help.\n`
  }
  if (!isNamed(error, MillstreamError)) return `${inspect(error)}\n`
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const cause = error.cause === undefined ? '' : `Caused by: ${inspect(error.cause)}\n`
  return `${error.code}: ${error.message}\n${frames.join('\n')}\n${cause}`
}

/** By code, not by class: the pipeline may use another copy of the library. */
function isNamed<T extends MillstreamError>(
  error: unknown,
  type: abstract new (...args: never[]) => T,
): error is T {
  if (error instanceof type) return true
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string')
    return false
  const wanted = (type as unknown) === UsageError ? 'MILLSTREAM_USAGE' : 'MILLSTREAM_'
  return error.code.startsWith(wanted)
}
