import { DataError, redact, StageError } from 'millstream'
import { afterEach, beforeEach, expect, test } from 'vitest'

const names = ['TEST_API_KEY', 'TEST_TOKEN', 'MY_PASSWORD', 'TEST_HOME', 'TEST_SECRET_X']

beforeEach(() => {
  process.env['TEST_API_KEY'] = 'sk-live-12345'
  process.env['TEST_TOKEN'] = 'sk-live-12345-longer'
  process.env['MY_PASSWORD'] = 'p/w "x"&y'
  process.env['TEST_HOME'] = '/home/somebody'
  process.env['TEST_SECRET_X'] = 'short'
})
afterEach(() => {
  for (const name of names) Reflect.deleteProperty(process.env, name)
})

test.each([
  ['401 for sk-live-12345.', '401 for [TEST_API_KEY].'],
  ['the longer first: sk-live-12345-longer', 'the longer first: [TEST_TOKEN]'],
  ['as it is p/w "x"&y', 'as it is [MY_PASSWORD]'],
  [JSON.stringify({ a: 'p/w "x"&y' }), '{"a":"[MY_PASSWORD]"}'],
  [`?auth=${encodeURIComponent('p/w "x"&y')}`, '?auth=[MY_PASSWORD]'],
  ['/home/somebody is no secret, nor is short', '/home/somebody is no secret, nor is short'],
  ['postgres://me:hunter22@host:5432/db failed', 'postgres://me:[password]@host:5432/db failed'],
  ['redis://:hunter22@host', 'redis://:[password]@host'],
  ['https://host:443/a@b', 'https://host:443/a@b'],
])('%s', (text, expected) => {
  expect(redact(text)).toBe(expected)
})

test('messages of errors have none, whatever the user threw', () => {
  expect(new DataError('no access with sk-live-12345').message).toBe(
    'no access with [TEST_API_KEY]',
  )
  const error = new StageError({ stage: 'map#1', index: 3 }, new Error('key sk-live-12345'))
  expect(error.message).toBe('map#1 failed on element 3: key [TEST_API_KEY]')
  expect(error.stack).not.toContain('sk-live-12345')
})
