import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { mendOf, MillstreamError, redact, UsageError } from '../errors/index.ts'

/** Exit codes of errors that are no failures of the pipeline. */
const exitCodes: Readonly<Record<string, number>> = {
  MILLSTREAM_USAGE: 2,
  MILLSTREAM_BUDGET: 3,
  MILLSTREAM_LOCKED: 75,
  MILLSTREAM_OUT_OF_TIME: 75,
  MILLSTREAM_RUN_STOPPED: 75,
}

/** How a failed command ends. */
export function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return exitCodes[code] ?? 1
}

/** What to write on stderr, without secrets: code and message first, then the user's own stack lines, then the causes. */
export function describeFailure(error: unknown): string {
  return redact(described(error))
}

function described(error: unknown): string {
  if (isNamed(error, UsageError)) return `${error.code}: ${error.message}\nSee millstream --help.\n`
  if (!isNamed(error, MillstreamError)) {
    const mend = mendOf(error)
    return `${inspect(error)}\n${mend === undefined ? '' : `${mend}\n`}`
  }
  const seen = new Set<string>()
  const parts = [`${error.code}: ${error.message}`, ...framesOf(error, seen)]
  let { cause } = error
  for (let depth = 0; cause !== undefined && depth < maxCauses; depth++) {
    if (!(cause instanceof Error)) {
      parts.push(`Caused by: ${inspect(cause)}`)
      break
    }
    parts.push(`Caused by: ${cause.name}: ${cause.message}`, ...framesOf(cause, seen))
    cause = cause.cause
  }
  return `${parts.join('\n')}\n`
}

const maxCauses = 8
/** Stack lines of Node, of V8, and of generated loops. */
const nobodys = /[( ]node:|\(<anonymous>\)|Promise\.all|[( ]millstream:segment/
const library = fileURLToPath(new URL('..', import.meta.url))

/** Stack lines that lead to the user's code, each shown once. */
function framesOf(error: Error, seen: Set<string>): string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const news = lines.filter(
    (line) => !line.includes(library) && !nobodys.test(line) && !seen.has(line),
  )
  for (const line of news) seen.add(line)
  return news
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
