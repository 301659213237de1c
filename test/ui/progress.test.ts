import { describe, expect, test } from 'vitest'
import { duration, Progress } from '../../src/ui/index.ts'

function stream(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, columns: 60, write: (text: string) => written.push(text) }
}

describe('Progress', () => {
  test('a terminal gets one line, redrawn in place and never wider than it', () => {
    const out = stream(true)
    const progress = new Progress({ label: 'decode', total: 100, unit: 'photos', stream: out })
    progress.update(10, 'x'.repeat(200))
    progress.end('done')
    const lines = out.written.map((text) => text.replace('\r\u001B[K', ''))
    expect(out.written.every((text) => text.startsWith('\r\u001B[K'))).toBe(true)
    expect(lines.every((line) => line.length <= 60)).toBe(true)
    expect(lines[0]).toMatch(/^decode {2}█+░+ {2}10\/100 photos/)
    expect(out.written.at(-1)).toMatch(/decode {2}10 photos in .*\n$/)
  })

  test('elsewhere plain lines come at intervals, with rate and time left', async () => {
    const out = stream(false)
    const progress = new Progress({ label: 'read', total: 1_000, stream: out, interval: 20 })
    progress.update(1)
    expect(out.written).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 30))
    progress.update(500)
    progress.update(501)
    progress.end()
    progress.end()
    expect(out.written).toHaveLength(2)
    expect(out.written[0]).toMatch(
      /^read {2}500\/1,000 items {2}[\d.,]+ items\/s {2}ETA [\d.]+ s\n$/,
    )
    expect(out.written.join('')).not.toContain('\u001B')
  })

  test('bytes are megabytes; without a total there is no time left', async () => {
    const out = stream(false)
    const progress = new Progress({ label: 'get', unit: 'bytes', stream: out, interval: 0 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    progress.update(2_500_000)
    expect(out.written[0]).toMatch(/^get {2}2\.5 MB {2}[\d.]+ MB\/s\n$/)
  })
})

test.each([
  [0.42, '0.4 s'],
  [42.2, '42 s'],
  [65, '1:05'],
  [3_725, '1:02:05'],
  [Infinity, '?'],
])('duration of %d seconds', (seconds, text) => {
  expect(duration(seconds)).toBe(text)
})
