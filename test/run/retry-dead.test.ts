import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, deadLettersIn, to } from 'millstream'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

/** Two stages that give up what is named in `bad`; what they call is noted. */
function twoStages(folder: string, bad: Set<string>) {
  const calls: string[] = []
  const stage = (name: string) => async (n: number) => {
    calls.push(`${name}${n}`)
    if (bad.has(`${name}${n}`)) throw new Error(`${name} cannot do ${n}`)
    return n
  }
  const pipeline = Dataset.range(20)
    .map(stage('a'), { onError: 'deadLetter' })
    .map(stage('b'), { onError: 'deadLetter' })
    .write(to.jsonl(join(folder, 'out.jsonl')), { state: join(folder, 'state') })
  const written = (): number[] =>
    readFileSync(join(folder, 'out.jsonl'), 'utf8').trimEnd().split('\n').map(Number)
  return { pipeline, calls, written }
}

test('letters of several stages go on where they died; one that dies further on is a new letter', async () => {
  const folder = testFolder()
  const bad = new Set(['a3', 'a5', 'b7', 'b9'])
  const { pipeline, calls, written } = twoStages(folder, bad)
  expect(await pipeline.run()).toMatchObject({ delivered: 16, deadLetters: 4 })

  calls.length = 0
  for (const mended of ['a3', 'a5', 'b7']) bad.delete(mended)
  bad.add('b5')
  expect(await pipeline.retryDead()).toEqual({
    retried: 4,
    delivered: 2,
    deadLetters: 2,
    stuck: [],
  })
  expect(calls.toSorted()).toEqual(['a3', 'a5', 'b3', 'b5', 'b7', 'b9'])
  const left = await deadLettersIn(join(folder, 'state'))
  const names = left.map(
    ({ stage, element, attempts }) => `${stage} ${JSON.stringify(element)} ${attempts}`,
  )
  expect(names.toSorted()).toEqual(['mapAsync#2 5 1', 'mapAsync#2 9 2'])

  bad.clear()
  calls.length = 0
  expect(await pipeline.retryDead()).toMatchObject({ retried: 2, delivered: 2, deadLetters: 0 })
  expect(calls.toSorted()).toEqual(['b5', 'b9'])
  expect(written().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, k) => k))
  expect(await pipeline.retryDead()).toMatchObject({ retried: 0, deadLetters: 0 })
})

test('a letter in front of batches of any kind goes on through them', async () => {
  const folder = testFolder()
  let mended = false
  const pipeline = Dataset.range(9)
    .map(
      async (n) => {
        if (n === 4 && !mended) throw new Error('no 4')
        return n
      },
      { onError: 'deadLetter' },
    )
    .batch({ max: 4 })
    .unbatch()
    .write(to.jsonl(join(folder, 'out.jsonl')), { state: join(folder, 'state') })
  expect(await pipeline.run()).toMatchObject({ delivered: 8, deadLetters: 1 })
  mended = true
  expect(await pipeline.retryDead()).toMatchObject({ retried: 1, delivered: 1, stuck: [] })
  const lines = readFileSync(join(folder, 'out.jsonl'), 'utf8').trimEnd().split('\n')
  expect(lines.map(Number)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 4])
})

test('a letter in front of an operator that needs all elements stays, with the reason', async () => {
  const folder = testFolder()
  const pipeline = Dataset.range(9)
    .map(
      async (n) => {
        if (n === 4) throw new Error('no four')
        return n
      },
      { onError: 'deadLetter' },
    )
    .scan(0, (sum, n) => [sum + n, sum + n])
    .write(to.jsonl(join(folder, 'out.jsonl')), { state: join(folder, 'state') })
  await pipeline.run()
  expect(await pipeline.retryDead()).toEqual({
    retried: 0,
    delivered: 0,
    deadLetters: 1,
    stuck: ['scan#1, behind mapAsync#1, needs to see all elements; run it anew'],
  })
})

test('elements that are more than JSON come back as they were', async () => {
  const folder = testFolder()
  let broken = true
  const seen: unknown[] = []
  const element = { bytes: new Float32Array([1, 2]), when: new Date(0), none: undefined }
  const pipeline = Dataset.from([element])
    .map(
      async (x) => {
        if (broken) throw new Error('not yet')
        seen.push(x)
        return x.bytes.length
      },
      { onError: 'deadLetter' },
    )
    .write(to.jsonl(join(folder, 'out.jsonl')), { state: join(folder, 'state') })
  await pipeline.run()
  broken = false
  expect(await pipeline.retryDead()).toMatchObject({ delivered: 1, deadLetters: 0 })
  expect(seen).toEqual([element])
})

test('an element that would not come back as it was is not tried again', async () => {
  const folder = testFolder()
  class Price {
    readonly cents = 250
    inEuros(): number {
      return this.cents / 100
    }
  }
  const seen: unknown[] = []
  const pipeline = Dataset.from([{ price: new Price() }])
    .map(
      async (x) => {
        seen.push(x)
        throw new Error('not yet')
      },
      { onError: 'deadLetter' },
    )
    .write(to.jsonl(join(folder, 'out.jsonl')), { state: join(folder, 'state') })
  await pipeline.run()
  const [letter] = await deadLettersIn(join(folder, 'state'))
  expect(letter).toMatchObject({ element: { price: { cents: 250 } } })
  expect(letter?.lost).toContain('Price')
  const summary = await pipeline.retryDead()
  expect(summary).toMatchObject({ retried: 0, deadLetters: 1 })
  expect(summary.stuck).toEqual([`the element could not be kept: ${letter?.lost}`])
  expect(seen).toHaveLength(1)
})

test('a run that is not finished has no dead letters to try again yet', async () => {
  const folder = testFolder()
  const { pipeline } = twoStages(folder, new Set())
  await expect(pipeline.retryDead()).rejects.toThrow('no run has its state in')
})
