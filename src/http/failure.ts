import { messageOf, MillstreamError } from '../errors/index.ts'

/**
 * What a failed call means. `refused`: the server has too much to do, or we called too often; the call is as
 * good as not made. `transient`: the same call may succeed later. `permanent`: it will not.
 */
export type FailureKind = 'refused' | 'transient' | 'permanent'

/** Too many requests, and "overloaded" as Anthropic says it. */
const refused = new Set([429, 529])

/** Request timeout and too early; of the server's own errors all but "not implemented" and its like. */
const transient = new Set([408, 425, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524])

const transientCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'HPE_INVALID_EOF_STATE',
])

const transientNames = new Set(['TimeoutError', 'APIConnectionError', 'APIConnectionTimeoutError'])

/** 429s that no waiting mends: the account has no money left. */
const spent = new Set(['insufficient_quota', 'billing_hard_limit_reached'])

/** How deep the reason hides: `fetch failed` has it as its cause. */
const maxDepth = 4

/** What an error of fetch, of Node's sockets, or of a client library means. Unknown errors are permanent. */
export function failureOf(error: unknown): FailureKind {
  for (let at = error, depth = 0; isObject(at) && depth < maxDepth; at = at['cause'], depth++) {
    const status = statusOf(at)
    if (status !== undefined) return kindOfStatus(status, at)
    if (transientCodes.has(String(at['code'])) || transientNames.has(String(at['name']))) {
      return 'transient'
    }
  }
  return 'permanent'
}

function kindOfStatus(status: number, error: Fields): FailureKind {
  if (refused.has(status)) return isSpent(error) ? 'permanent' : 'refused'
  return transient.has(status) ? 'transient' : 'permanent'
}

function isSpent(error: Fields): boolean {
  const inner = isObject(error['error']) ? error['error'] : {}
  return [error['code'], error['type'], inner['code'], inner['type']].some((code) =>
    spent.has(String(code)),
  )
}

/** The HTTP status that an error tells of, as the usual client libraries write it. */
export function statusOf(error: unknown): number | undefined {
  if (!isObject(error)) return undefined
  const { status, statusCode, response, $metadata } = error
  const inner = isObject(response) ? [response['status'], response['statusCode']] : []
  const aws = isObject($metadata) ? [$metadata['httpStatusCode']] : []
  return [status, statusCode, ...inner, ...aws].find(
    (value): value is number => typeof value === 'number' && value >= 100 && value < 600,
  )
}

type Fields = { readonly [name: string]: unknown }

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** An answer that is no success. `status` and `headers` say how to go on; the message begins with the body. */
export class HttpError extends MillstreamError {
  readonly status: number
  readonly headers: Headers
  /** The answer's text. */
  readonly body: string

  constructor(response: Response, body: string) {
    super('MILLSTREAM_HTTP', messageFor(response, body))
    this.status = response.status
    this.headers = response.headers
    this.body = body
  }
}

const shownBody = 300

/** What mends answers that no further call mends. */
const mends: Readonly<Record<number, string>> = {
  401: 'check the key that the call sends: the server does not know it',
  403: 'check the key that the call sends: it may not do this',
  404: 'check the address',
}

function messageFor({ status, statusText, url }: Response, body: string): string {
  const text = body.replaceAll(/\s+/g, ' ').trim()
  const shown = text.length > shownBody ? `${text.slice(0, shownBody)}...` : text
  const mend = mends[status] === undefined ? '' : `; ${mends[status]}`
  return `${status} ${shown === '' ? statusText : shown}${url === '' ? '' : ` (${withoutSecrets(url)})`}${mend}`
}

/** Queries carry keys, and so do user names. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/**
 * The response if it is a success, for `const r = await ok(fetch(url))`.
 *
 * @throws HttpError otherwise: retries and limits then know what the server asks for.
 */
export async function ok(response: Response | Promise<Response>): Promise<Response> {
  const answer = await response
  if (answer.ok) return answer
  const body = await answer.text().catch((error: unknown) => `(${messageOf(error)})`)
  throw new HttpError(answer, body)
}
