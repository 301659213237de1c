/** Headers of whatever a client library hands out or throws, by lower-case name. */
export type HeaderMap = ReadonlyMap<string, string>

const NONE: HeaderMap = new Map()

/** How deep answers hide in errors: `error.cause.response.headers` and the like. */
const maxDepth = 4

/**
 * The headers of a `Response`, or of an error of fetch wrappers, axios, got, OpenAI's, Anthropic's or AWS's
 * clients: those of the first object on the way that has any.
 */
export function headersOf(answer: unknown, depth = 0): HeaderMap {
  if (typeof answer !== 'object' || answer === null || depth > maxDepth) return NONE
  const { headers, response, $response, cause } = answer as { readonly [name: string]: unknown }
  const own = mapOf(headers)
  if (own.size > 0) return own
  for (const inner of [response, $response, cause]) {
    const found = headersOf(inner, depth + 1)
    if (found.size > 0) return found
  }
  return NONE
}

function mapOf(headers: unknown): HeaderMap {
  if (typeof headers !== 'object' || headers === null) return NONE
  const entries: Iterable<unknown> =
    Symbol.iterator in headers ? (headers as Iterable<unknown>) : Object.entries(headers)
  const map = new Map<string, string>()
  for (const entry of entries) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string') continue
    const value = (Array.isArray(entry[1]) ? entry[1][0] : entry[1]) as unknown
    if (typeof value === 'string' || typeof value === 'number') {
      map.set(entry[0].toLowerCase(), String(value).trim())
    }
  }
  return map
}
