import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { failureOf, HttpError, ok, pauseOf, statusOf } from 'millstream/http'
import { expect, test } from 'vitest'

const now = Date.parse('2026-11-24T10:00:00Z')
const pause = (headers: Record<string, string>) => pauseOf({ headers: new Headers(headers) }, now)

test('Retry-After in seconds, as a date, and in milliseconds', () => {
  expect(pause({ 'retry-after': '7' })).toBe(7_000)
  expect(pause({ 'retry-after': '0.25' })).toBe(250)
  expect(pause({ 'retry-after': 'Tue, 24 Nov 2026 10:02:00 GMT' })).toBe(120_000)
  expect(pause({ 'retry-after': 'Tue, 24 Nov 2026 09:00:00 GMT' })).toBe(0)
  expect(pause({ 'retry-after': '1', 'retry-after-ms': '340' })).toBe(340)
  expect(pause({ 'retry-after': 'soon' })).toBeUndefined()
  expect(pause({})).toBeUndefined()
})

test('rate-limit headers count when nothing remains', () => {
  const left = { 'x-ratelimit-remaining-tokens': '12', 'x-ratelimit-reset-tokens': '6m0s' }
  expect(pause(left)).toBeUndefined()
  expect(pause({ ...left, 'x-ratelimit-remaining-tokens': '0' })).toBe(360_000)
  expect(pause({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${now / 1000 + 30}` })).toBe(
    30_000,
  )
  expect(pause({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${now + 1500}` })).toBe(1_500)
  expect(pause({ 'ratelimit-remaining': '0', 'ratelimit-reset': '9' })).toBe(9_000)
  expect(pause({ ratelimit: '"a";r=5;t=60, "b";r=0;t=20' })).toBe(20_000)
  const requests = {
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '20ms',
  }
  expect(pause(requests)).toBe(20)
  expect(
    pause({
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-24T10:00:05Z',
    }),
  ).toBe(5_000)
  expect(pause({ ...requests, 'retry-after': '3' })).toBe(3_000)
})

test('answers are found where client libraries put them', () => {
  const headers = { 'Retry-After': '2' }
  expect(pauseOf({ status: 429, headers })).toBe(2_000)
  expect(pauseOf({ response: { status: 429, headers } })).toBe(2_000)
  expect(pauseOf(new Error('x', { cause: { headers: { 'retry-after': ['2'] } } }))).toBe(2_000)
  expect(pauseOf(undefined)).toBeUndefined()
  expect(statusOf({ $metadata: { httpStatusCode: 503 } })).toBe(503)
  expect(statusOf({ response: { statusCode: 404 } })).toBe(404)
})

test('failures by what can be done about them', () => {
  expect(failureOf({ status: 429 })).toBe('refused')
  expect(failureOf({ status: 429, error: { code: 'insufficient_quota' } })).toBe('permanent')
  for (const status of [408, 425, 500, 502, 503, 504]) {
    expect(failureOf({ status })).toBe('transient')
  }
  for (const status of [400, 401, 404, 413, 422, 501]) {
    expect(failureOf({ status })).toBe('permanent')
  }
  expect(failureOf(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe('transient')
  expect(failureOf(new RangeError('out of range'))).toBe('permanent')
  expect(failureOf('text')).toBe('permanent')
  expect(failureOf(AbortSignal.timeout(0).reason ?? new DOMException('t', 'TimeoutError'))).toBe(
    'transient',
  )
})

test('a refused connection and a reset one, as fetch throws them', async () => {
  const server = createServer((request) => request.socket.resetAndDestroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const reset = await fetch(url).catch((error: unknown) => error)
  expect(failureOf(reset)).toBe('transient')
  await new Promise((resolve) => server.close(resolve))
  const gone = await fetch(url).catch((error: unknown) => error)
  expect(failureOf(gone)).toBe('transient')
})

test('ok keeps successes and throws the rest, without secrets of the address', async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url?.startsWith('/good') === true ? 200 : 429
    response.setHeader('retry-after', '1')
    response.end('{ "error":   "slow down" }')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect((await ok(fetch(`${url}/good`))).status).toBe(200)
  const error = await ok(fetch(`${url}/bad?key=secret`)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({
    status: 429,
    code: 'MILLSTREAM_HTTP',
    message: `429 { "error": "slow down" } (${url}/bad)`,
  })
  expect(failureOf(error)).toBe('refused')
  expect(pauseOf(error)).toBe(1_000)
  await new Promise((resolve) => server.close(resolve))
})
