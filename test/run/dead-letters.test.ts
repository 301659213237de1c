import { Dataset, type DeadLetter } from 'millstream'
import { expect, test } from 'vitest'

const numbers = Dataset.range(5).map(
  async (x) => {
    await Promise.resolve()
    if (x === 2) throw new Error('two')
    return x
  },
  { onError: 'deadLetter', parallelism: 5 },
)

test('an element counts as left out when its dead letter is kept, not before', async () => {
  const kept: DeadLetter[] = []
  let keep = (): void => undefined
  let asked = (): void => undefined
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const put = async (letter: DeadLetter): Promise<void> => {
    asked()
    await new Promise<void>((resolve) => (keep = resolve))
    kept.push(letter)
  }
  const iteration = numbers.iterate({ deadLetters: { put } })
  const out: number[] = []
  const all = collect(iteration, out)
  await isAsked
  // As if the process died now: what is in the checkpoint is all that is left of it.
  const checkpoint = iteration.checkpoint()
  expect([out, kept]).toEqual([[0, 1], []])
  keep()
  expect(await all).toEqual([0, 1, 3, 4])
  const resumed = numbers.resume(checkpoint)
  expect(await collect(resumed)).toEqual([3, 4])
  expect(resumed.deadLetters).toMatchObject([{ index: 2, element: 2 }])
})

test('what precedes a dead letter that cannot be kept is delivered, and the element stays', async () => {
  const put = (): Promise<void> => Promise.reject(new Error('the disk is full'))
  const iteration = numbers.iterate({ deadLetters: { put } })
  const out: number[] = []
  await expect(collect(iteration, out)).rejects.toThrow('the disk is full')
  expect(out).toEqual([0, 1])
  const resumed = numbers.resume(iteration.checkpoint())
  expect(await collect(resumed)).toEqual([3, 4])
  expect(resumed.dead).toBe(1)
})

async function collect<T>(iteration: AsyncIterable<T>, out: T[] = []): Promise<T[]> {
  for await (const x of iteration) out.push(x)
  return out
}
