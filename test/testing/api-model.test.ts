import { expect, test } from 'vitest'
import { headersOfState, retryAfterHeaders } from '../../src/testing/fake-api/headers.ts'
import { ApiModel } from '../../src/testing/fake-api/model.ts'

const options = { burst: 1000, inFlight: Infinity, grace: 40 }

test('what a quota lets in, to the millisecond', () => {
  const model = new ApiModel(0, { ...options, quota: { requests: 6000, tokens: 60_000 } })
  expect(model.arrive(0, 900)).toEqual({ kind: 'admitted' })
  expect(model.state(0, 'tokens')).toEqual({ perMinute: 60_000, remaining: 100, reset: 900 })
  expect(headersOfState(model, 0, 1)).toMatchObject({
    'x-ratelimit-limit-tokens': '60000',
    'x-ratelimit-remaining-tokens': '100',
    'x-ratelimit-reset-tokens': '900ms',
  })
  expect(model.arrive(0, 901)).toEqual({ kind: 'refused', meter: 'tokens', retryAfter: 801 })
  expect(model.arrive(800, 901)).toMatchObject({ kind: 'refused', retryAfter: 1 })
  expect(model.arrive(801, 901)).toEqual({ kind: 'admitted' })
})

test('down until a time, and not longer', () => {
  const model = new ApiModel(0, { ...options, quota: {} })
  model.goDown(500)
  expect(model.arrive(499, 1)).toEqual({ kind: 'down', retryAfter: 1 })
  expect(model.arrive(500, 1)).toEqual({ kind: 'admitted' })
})

test('calls before the time named are violations, but for those on their way', () => {
  const model = new ApiModel(0, { ...options, quota: {} })
  model.close(0, 1000, 'a')
  model.arrive(40, 1, 'a')
  model.arrive(500, 1, 'b')
  model.arrive(1000, 1, 'a')
  expect(model.violations).toEqual([])
  model.arrive(41, 1, 'a')
  model.arrive(999, 1, 'a')
  expect(model.violations).toEqual([
    { at: 41, until: 1000 },
    { at: 999, until: 1000 },
  ])
})

test('how a wait is written, and until when who obeys it waits', () => {
  expect(retryAfterHeaders('seconds', 200, 1)).toEqual({
    headers: { 'retry-after': '1' },
    until: 1000,
  })
  expect(retryAfterHeaders('seconds', 200, 30).headers).toEqual({ 'retry-after': '0.2' })
  expect(retryAfterHeaders('ms', 1200.5, 1)).toEqual({
    headers: { 'retry-after': '2', 'retry-after-ms': '1201' },
    until: 1201,
  })
  expect(retryAfterHeaders('none', 200, 1)).toEqual({ headers: {}, until: undefined })
})
