import type { ApiModel } from './model.ts'

/**
 * How a refusal says when to come again: `seconds` or a `date` in `Retry-After`, `ms` in `retry-after-ms` beside
 * the seconds, as OpenAI does, or not at all.
 */
export type RetryAfterForm = 'seconds' | 'date' | 'ms' | 'none'

/** The headers for a wait of `ms` of our milliseconds, and until when a caller that obeys them waits. */
export function retryAfterHeaders(form: RetryAfterForm, ms: number, speed: number) {
  const whole = Math.ceil(ms / 1000)
  // Whole seconds of a clock that runs faster: fractions of ours.
  const seconds = speed === 1 ? whole : Math.ceil(ms) / 1000
  switch (form) {
    case 'none':
      return { headers: {}, until: undefined }
    case 'seconds':
      return { headers: { 'retry-after': String(seconds) }, until: seconds * 1000 }
    case 'ms': {
      const headers = { 'retry-after': String(whole), 'retry-after-ms': String(Math.ceil(ms)) }
      return { headers, until: Math.ceil(ms) }
    }
    case 'date': {
      // Dates have whole seconds.
      const at = Math.ceil((Date.now() + ms) / 1000) * 1000
      return { headers: { 'retry-after': new Date(at).toUTCString() }, until: at - Date.now() }
    }
  }
}

/** `x-ratelimit-*` of what is limited, in our time. */
export function headersOfState(
  model: ApiModel,
  now: number,
  speed: number,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const meter of ['requests', 'tokens'] as const) {
    const state = model.state(now, meter)
    if (state === undefined) continue
    headers[`x-ratelimit-limit-${meter}`] = String(Math.round(state.perMinute))
    headers[`x-ratelimit-remaining-${meter}`] = String(state.remaining)
    headers[`x-ratelimit-reset-${meter}`] = `${Math.ceil(state.reset / speed)}ms`
  }
  return headers
}
