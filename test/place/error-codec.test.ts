import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { DataError, MillstreamError, StageError } from '../../src/errors/index.ts'
import { decodeError, encodeError } from '../../src/place/error-codec.ts'

/** Through the same copying that a port does. */
function sent(thrown: unknown): unknown {
  return decodeError(structuredClone(encodeError(thrown)))
}

test('built-in errors keep class, name, message and stack', () => {
  for (const error of [
    new Error('a'),
    new TypeError('b'),
    new RangeError('c'),
    new SyntaxError('d'),
  ]) {
    const copy = sent(error)
    expect(copy).toBeInstanceOf(error.constructor)
    expect(copy).toMatchObject({ name: error.name, message: error.message, stack: error.stack })
    expect(Object.keys(copy as Error)).toEqual([])
  }
})

test('system errors keep code and path', async () => {
  const error = await readFile('/no/such/file').catch((thrown: unknown) => thrown)
  const fields = { code: 'ENOENT', syscall: 'open', path: '/no/such/file' }
  expect(sent(error)).toMatchObject({
    ...fields,
    message: expect.stringContaining('ENOENT') as string,
  })
})

test('custom errors keep their name and the fields that can be copied', () => {
  class HttpError extends Error {
    override name = 'HttpError'
    status = 429
    retry = (): void => undefined
  }
  const copy = sent(new HttpError('slow down'))
  expect(copy).toBeInstanceOf(Error)
  expect(copy).toMatchObject({ name: 'HttpError', message: 'slow down', status: 429 })
  expect(copy).not.toHaveProperty('retry')
  expect(sent(new DOMException('gone', 'AbortError'))).toMatchObject({
    name: 'AbortError',
    code: 20,
  })
})

test('causes come along, one after the other, also those that are no errors', () => {
  const error = new Error('top', { cause: new TypeError('middle', { cause: { reason: 42 } }) })
  const copy = sent(error)
  expect(copy).toMatchObject({ cause: { name: 'TypeError', cause: { reason: 42 } } })
})

test('a circle of causes ends', () => {
  const error = new Error('one')
  error.cause = new Error('two', { cause: error })
  expect(sent(error)).toMatchObject({ message: 'one', cause: { message: 'two' } })
})

test('aggregated errors keep their parts', () => {
  const copy = sent(new AggregateError([new TypeError('a'), 'b'], 'both'))
  expect(copy).toBeInstanceOf(AggregateError)
  expect((copy as AggregateError).errors).toMatchObject([{ name: 'TypeError', message: 'a' }, 'b'])
})

test('errors of Millstream are of their class again', () => {
  const copy = sent(new DataError('damaged', { cause: new Error('bytes') }))
  expect(copy).toBeInstanceOf(DataError)
  expect(copy).toMatchObject({ code: 'MILLSTREAM_DATA', cause: { message: 'bytes' } })
  const failed = sent(new StageError({ stage: 'map#1', index: 7 }, new Error('x')))
  expect(failed).toBeInstanceOf(StageError)
  expect(failed).toBeInstanceOf(MillstreamError)
  expect(failed).toMatchObject({ stage: 'map#1', index: 7 })
})

test('whatever else is thrown arrives, as text if need be', () => {
  for (const thrown of [undefined, null, 'text', 42, { a: 1 }]) expect(sent(thrown)).toEqual(thrown)
  expect(sent(Symbol('x'))).toBe('Symbol(x)')
  const hostile = new Error('x')
  Object.defineProperty(hostile, 'message', {
    get: () => {
      throw new Error('no message for you')
    },
  })
  expect(sent(hostile)).toContain('no message for you')
})
