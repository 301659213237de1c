import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Enough to get out of the libraries in between. */
const FRAMES = 16

/** Places that a message names. */
const SHOWN = 3

/** The stack here, written out only when somebody asks. */
export function here(): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  try {
    return new Error()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** These files, and the whole library. */
const OWN = new URL('.', import.meta.url).href
const LIBRARY = new URL('../../', import.meta.url).href

/**
 * The places that opened something, the innermost first, such as `src/lock.ts:50, called at jobs/run.ts:12`; undefined
 * when Node did so on its own account: `fetch` keeps connections and timers between calls.
 */
export function placeOf(stack: Error): string | undefined {
  const places = framesOf(stack).filter((place) => !place.startsWith(OWN))
  const files = places.filter((place) => !place.startsWith('node:'))
  const [first, ...callers] = files
  if (first === undefined) return undefined
  const inner = places.slice(0, places.indexOf(first))
  if (inner.some((place) => place.startsWith('node:internal/deps/'))) return undefined
  const own = callers.filter((place) => !place.includes('/node_modules/'))
  return [first, ...own].slice(0, SHOWN).map(shown).join(', called at ')
}

/** The place that called the library. */
export function callerOf(stack: Error): string | undefined {
  const caller = framesOf(stack).find(
    (place) => !place.startsWith('node:') && !place.startsWith(LIBRARY),
  )
  return caller === undefined ? undefined : shown(caller)
}

/** Files with lines, the innermost first. */
function framesOf({ stack = '' }: Error): readonly string[] {
  return stack.split('\n').flatMap((line) => {
    const place = /^\s+at (?:.*\()?([^()]+:\d+):\d+\)?$/.exec(line)?.[1]
    return place === undefined ? [] : [place.startsWith('/') ? `file://${place}` : place]
  })
}

function shown(place: string): string {
  if (!place.startsWith('file://')) return place
  const [, file = '', line = ''] = /^(.*):(\d+)$/.exec(place) ?? []
  return `${relative(process.cwd(), fileURLToPath(file))}:${line}`
}
