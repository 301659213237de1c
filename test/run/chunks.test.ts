import { Dataset } from 'millstream'
import { expect, test } from 'vitest'

const N = 20_000
const numbers = Dataset.range(N)

const pipelines: Readonly<Record<string, Dataset<unknown>>> = {
  segment: numbers.map((x) => x + 1),
  shuffle: numbers.shuffle(100),
  zip: Dataset.zip([numbers, numbers]),
  'cache, filling': numbers.map((x) => x).cache(),
  'cache, read': numbers.cache().repeat(2),
  generator: Dataset.fromGenerator(() => Array.from({ length: N }, (_, k) => k)),
  concatenate: numbers.concatenate(numbers),
  prefetch: numbers.prefetch(4),
}

// An element at a time through every await would cost more than the work.
test.each(Object.entries(pipelines))('%s: small elements travel in large chunks', async (_, ds) => {
  const sizes: number[] = []
  for await (const chunk of ds.iterate().chunks()) sizes.push(chunk.length)
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(512)
  expect(sizes.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(N)
})

test('large elements travel in small chunks', async () => {
  const photos = Dataset.range(60).map(() => new Uint8Array(300_000))
  const sizes: number[] = []
  for await (const chunk of photos.iterate().chunks()) sizes.push(chunk.length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4)
})
