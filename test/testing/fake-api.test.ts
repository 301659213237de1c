import { Dataset, limit } from 'millstream'
import { pauseOf } from 'millstream/http'
import { fakeApi, type RetryAfterForm } from 'millstream/testing'
import { expect, test } from 'vitest'

test('answers, counts calls by input, and refuses what is over the quota', async () => {
  await using api = await fakeApi({
    quota: { requests: 6 },
    burst: '30s',
    latency: 1,
    answer: (x: number) => x * 2,
  })
  expect(await Promise.all([1, 2, 3].map((x) => api.call(x)))).toEqual([2, 4, 6])
  const refused = await api.call(3).catch((error: unknown) => error)
  expect(refused).toMatchObject({ status: 429, message: expect.stringContaining('requests') })
  expect([9000, 10_000]).toContain(pauseOf(refused)) // to the millisecond: api-model.test.ts
  expect(api.callsOf(3)).toBe(2)
  const early = await api.call(4).catch((error: unknown) => error)
  expect(early).toMatchObject({ status: 429 })
  expect(api.stats).toMatchObject({ calls: 5, admitted: 3, refused: 2, served: 3 })
})

test('tokens are limited apart from requests, and headers tell what remains', async () => {
  await using api = await fakeApi({
    quota: { requests: 600, tokens: 600 },
    burst: '100s',
    latency: 1,
    tokens: (x: { cost: number }) => x.cost,
  })
  const response = await fetch(api.url, { method: 'POST', body: '{"cost":900}' })
  expect(response.status).toBe(200)
  expect(response.headers.get('x-ratelimit-limit-tokens')).toBe('600')
  expect(Number(response.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(300)
  expect(response.headers.get('x-ratelimit-reset-tokens')).toMatch(/^\d+ms$/)
  const refused = await fetch(api.url, { method: 'POST', body: '{"cost":901}' })
  expect(refused.status).toBe(429)
  expect(await refused.json()).toEqual({ error: 'too many tokens' })
})

test('a body that is no JSON is refused, and the next call is answered', async () => {
  await using api = await fakeApi({ latency: 1 })
  const refused = await fetch(api.url, { method: 'POST', body: '{"half' })
  expect([refused.status, await refused.json()]).toEqual([400, { error: 'the body is no JSON' }])
  expect(await api.call('a')).toBe('a')
})

test.each<RetryAfterForm>(['seconds', 'date', 'ms', 'none'])(
  'refusals say when to come again: %s',
  async (retryAfter) => {
    await using api = await fakeApi({ quota: { requests: 6 }, burst: 1, latency: 1, retryAfter })
    await api.call('a')
    const refused = await api.call('b').catch((error: unknown) => error)
    const pause = pauseOf(refused)
    if (retryAfter === 'none') return expect(pause).toBeDefined() // the reset of what is exhausted
    if (retryAfter === 'seconds') expect([9000, 10_000]).toContain(pause)
    expect(pause).toBeGreaterThan(0)
    expect(pause).toBeLessThanOrEqual(11_000)
  },
)

test('calls inside a Retry-After are written down', async () => {
  await using api = await fakeApi({ quota: { requests: 6 }, burst: 1, latency: 1 })
  await api.call('a')
  await api.call('b').catch(() => undefined)
  expect(api.stats.violations).toEqual([])
  await new Promise((resolve) => setTimeout(resolve, 100))
  await api.call('c').catch(() => undefined)
  expect(api.stats.violations).toHaveLength(1)
})

test('faults follow from the seed: the same inputs break in the same way', async () => {
  const outcomes = async (seed: number): Promise<string[]> => {
    await using api = await fakeApi({
      latency: 1,
      seed,
      faults: { error: 0.2, unavailable: 0.2, reset: 0.2 },
      poison: (x: number) => x === 7,
    })
    const inputs = Array.from({ length: 40 }, (_, x) => x)
    const settled = await Promise.allSettled(inputs.map((x) => api.call(x)))
    return settled.map((one) =>
      one.status === 'fulfilled' ? 'ok' : String((one.reason as { status?: number }).status),
    )
  }
  const first = await outcomes(1)
  expect(await outcomes(1)).toEqual(first)
  expect(await outcomes(2)).not.toEqual(first)
  expect(new Set(first)).toEqual(new Set(['ok', '500', '503', '400', 'undefined']))
})

test('its time can run faster, its quota change, and it can be down', async () => {
  await using api = await fakeApi({ quota: { requests: 1 }, burst: 1, latency: 1, speed: 100 })
  await api.call('a')
  const refused = await api.call('b').catch((error: unknown) => error)
  expect(pauseOf(refused)).toBeLessThanOrEqual(600)
  api.setQuota({ requests: 600_000 })
  await new Promise((resolve) => setTimeout(resolve, 20))
  await api.call('b')
  api.goDown('200s') // two seconds of ours
  await expect(api.call('c')).rejects.toMatchObject({ status: 503 })
  let answer: unknown
  while (answer === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    answer = await api.call('c').catch(({ status }: { status?: number }) => {
      expect(status).toBe(503)
    })
  }
  expect(answer).toBe('c')
})

test(
  'a pipeline under a learnt limit loses nothing to a flaky, limited API',
  { timeout: 120_000 },
  async () => {
    await using api = await fakeApi({
      quota: { requests: 60_000 },
      burst: '1s',
      latency: [2, 8],
      speed: 1,
      retryAfter: 'ms',
      faults: { error: 0.02, reset: 0.02, unavailable: 0.02 },
      poison: (x: number) => x % 500 === 3,
      answer: (x: number) => x + 1,
    })
    // What is sent although a refusal was read that forbids it; the server also sees what was on its way then.
    let closedUntil = 0
    let early = 0
    const call = async (x: number): Promise<unknown> => {
      if (performance.now() < closedUntil) early++
      try {
        return await api.call(x)
      } catch (error) {
        const until = performance.now() + (pauseOf(error) ?? 0)
        setImmediate(() => (closedUntil = Math.max(closedUntil, until))) // once the limit knows it too
        throw error
      }
    }
    const iteration = Dataset.range(2000)
      .map(call, { limit: limit('flaky'), retry: 20, onError: 'deadLetter' })
      .iterate()
    const out: unknown[] = []
    for await (const y of iteration) out.push(y)
    const good = Array.from({ length: 2000 }, (_, x) => x).filter((x) => x % 500 !== 3)
    expect(out).toEqual(good.map((x) => x + 1))
    expect(iteration.deadLetters.map(({ element }) => element)).toEqual([3, 503, 1003, 1503])
    expect(early).toBe(0)
    expect(api.stats.served).toBe(2000)
  },
)

test('closing cuts off what is under way, and may come twice', async () => {
  const api = await fakeApi({ latency: 60_000 })
  const call = api.call('x').catch((error: unknown) => error)
  await new Promise((resolve) => setTimeout(resolve, 30))
  await api.close()
  expect(await call).toBeInstanceOf(Error)
  await api.close()
})
