import { OutOfTimeError } from 'millstream'
import { afterEach, expect, test, vi } from 'vitest'
import { stopAfter } from '../../src/run/time-limit.ts'

afterEach(() => vi.useRealTimers())

const DAY = 24 * 60 * 60 * 1000

test('a time longer than a timer of Node takes is over when it is over', () => {
  vi.useFakeTimers()
  const { signal, clear } = stopAfter(30 * DAY, undefined)
  vi.advanceTimersByTime(29 * DAY)
  expect(signal.aborted).toBe(false)
  vi.advanceTimersByTime(2 * DAY)
  expect(signal.reason).toBeInstanceOf(OutOfTimeError)
  clear()
})
