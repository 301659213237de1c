import { type HeaderMap, headersOf } from './headers.ts'

/**
 * For how many milliseconds the server asks not to be called, or undefined when it doesn't. `answer` is a
 * `Response` or what a client library threw; `now` is the date in milliseconds since 1970.
 *
 * Read are `Retry-After` (seconds or a date, RFC 9110) and `retry-after-ms`; else, for what has 0 remaining,
 * the reset of `x-ratelimit-*`, `anthropic-ratelimit-*`, `ratelimit-*` and `RateLimit` (the IETF's drafts).
 */
export function pauseOf(answer: unknown, now: number = Date.now()): number | undefined {
  const headers = headersOf(answer)
  if (headers.size === 0) return undefined
  return retryAfter(headers, now) ?? resetOfExhausted(headers, now)
}

function retryAfter(headers: HeaderMap, now: number): number | undefined {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  if (ms >= 0) return ms
  const value = headers.get('retry-after')
  if (value === undefined || value === '') return undefined
  const seconds = Number(value)
  if (seconds >= 0) return seconds * 1000
  return untilDate(value, now)
}

function untilDate(value: string, now: number): number | undefined {
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The longest reset of what has nothing left. */
function resetOfExhausted(headers: HeaderMap, now: number): number | undefined {
  let longest: number | undefined
  for (const [name, value] of headers) {
    const reset =
      name === 'ratelimit'
        ? resetOfItem(value)
        : Number(value) <= 0 && name.includes('ratelimit') && name.includes('remaining')
          ? resetMs(headers.get(name.replace('remaining', 'reset')), now)
          : undefined
    if (reset !== undefined && reset >= (longest ?? 0)) longest = reset
  }
  return longest
}

/** `RateLimit: "default";r=0;t=30`: `r` remain for `t` seconds. */
function resetOfItem(value: string): number | undefined {
  const exhausted = value.split(',').filter((item) => /;\s*r=0\b/.test(item))
  const resets = exhausted.map((item) => Number(/;\s*t=(\d+)/.exec(item)?.[1] ?? Number.NaN))
  const known = resets.filter((seconds) => seconds >= 0)
  return known.length === 0 ? undefined : Math.max(...known) * 1000
}

/** Epoch seconds from this on (in 2001), seconds from now below it. */
const EPOCH = 1e9

/** A reset as servers write it: seconds, seconds or milliseconds since 1970, `6m0s`, `20ms`, or a date. */
function resetMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value === '') return undefined
  const number = Number(value)
  if (!Number.isNaN(number)) {
    if (number < EPOCH) return Math.max(0, number * 1000)
    return Math.max(0, (number > EPOCH * 1000 ? number : number * 1000) - now)
  }
  const parts = [...value.matchAll(/([\d.]+)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map(([text]) => text).join('') !== value) {
    return untilDate(value, now)
  }
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0)
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** What an answer's headers say remains of `requests` and `tokens`: the least of each. */
export function remainingOf(answer: unknown): { readonly [meter: string]: number } {
  const remaining: { [meter: string]: number } = {}
  for (const [name, value] of headersOf(answer)) {
    if (!name.includes('ratelimit') || !name.includes('remaining')) continue
    const meter = /requests|tokens/.exec(name)?.[0]
    const left = Number(value)
    if (meter !== undefined && left < (remaining[meter] ?? Infinity)) remaining[meter] = left
  }
  return remaining
}
