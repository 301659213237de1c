import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, to } from 'millstream'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

test('what an interrupted retry left behind is not that of a run that was started anew', async () => {
  const folder = testFolder()
  const path = join(folder, 'out.jsonl')
  const state = join(folder, 'state')
  let works = (x: number): boolean => x >= 20
  const pipeline = Dataset.range(40)
    .map(
      async (x) => {
        if (!works(x)) throw new Error(`no ${x}`)
        return x
      },
      { onError: 'deadLetter' },
    )
    .write(to.jsonl(path), { state })
  expect(await pipeline.run()).toMatchObject({ delivered: 20, deadLetters: 20 })

  const control = new AbortController()
  works = (x) => {
    if (x === 5) control.abort(new Error('interrupted'))
    return true
  }
  const retry = { signal: control.signal, every: { elements: 1 }, chunk: 1 }
  await expect(pipeline.retryDead(retry)).rejects.toThrow('interrupted')
  expect(existsSync(join(state, 'retry-1.json'))).toBe(true)

  works = (x) => x < 30
  expect(await pipeline.run({ restart: true })).toMatchObject({ delivered: 30, deadLetters: 10 })
  renameSync(path, `${path}.aside`)
  await expect(pipeline.run()).rejects.toThrow(/out.jsonl is gone since; start anew/)
  renameSync(`${path}.aside`, path)

  works = () => true
  expect(await pipeline.retryDead()).toEqual({
    retried: 10,
    delivered: 10,
    deadLetters: 0,
    stuck: [],
  })
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  const numbers = readFileSync(path, 'utf8').trimEnd().split('\n').map(Number)
  expect(numbers).toEqual(Array.from({ length: 40 }, (_, k) => k))
})
