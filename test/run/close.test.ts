import { getEventListeners } from 'node:events'
import { Dataset } from 'millstream'
import { expect, test } from 'vitest'

/** Sources that say when they are closed; some cannot be closed without an error. */
class Sources {
  readonly closed: string[] = []

  of(name: string, failure?: Error): Dataset<number> {
    const { closed } = this
    return Dataset.fromGenerator(async function* () {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        closed.push(name)
        // eslint-disable-next-line no-unsafe-finally -- that is what this is about
        if (failure !== undefined) throw failure
      }
    })
  }
}

test.each([
  ['zip', (a: Dataset<number>, b: Dataset<number>) => Dataset.zip([a, b])],
  [
    'sampleFromDatasets',
    (a: Dataset<number>, b: Dataset<number>) => Dataset.sampleFromDatasets([a, b]),
  ],
  ['flatMap', (a: Dataset<number>, b: Dataset<number>) => a.flatMap(() => b)],
])('%s: a source that fails to close does not keep another one open', async (_, join) => {
  const sources = new Sources()
  const failure = new Error('cannot be closed')
  const run = join(sources.of('a', failure), sources.of('b', failure)).iterate()
  for (let i = 0; i < 8; i++) await run.next()
  await expect(run.close()).rejects.toThrow('cannot be closed')
  expect(sources.closed.toSorted()).toEqual(['a', 'b'])
})

test('an observer that throws when the run begins leaves nothing open', async () => {
  const sources = new Sources()
  const { signal } = new AbortController()
  const observe = (): void => {
    throw new Error('no thanks')
  }
  // A small shuffle behind a batch is warned of as the run begins.
  const run = sources.of('a').batch(4).shuffle(2).iterate({ observe, signal })
  await expect(run.next()).rejects.toThrow('no thanks')
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(await run.next()).toEqual({ done: true, value: undefined })
})
