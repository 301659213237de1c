import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, StageError, threads } from 'millstream'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { failing } from './fixtures/stages.ts'

/** The error of a run, which must be one of a stage. */
async function failed(dataset: Dataset<unknown>, chunk?: number): Promise<StageError> {
  const options = { epoch: 0, ...(chunk === undefined ? {} : { chunk }) }
  const error: unknown = await dataset.toArray(options).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StageError)
  return error as StageError
}

const at =
  (bad: number) =>
  (x: number): number => {
    if (x === bad) throw new RangeError(`no ${x}`)
    return x
  }

const later =
  (bad: number) =>
  async (x: number): Promise<number> => {
    await new Promise(setImmediate)
    return at(bad)(x)
  }

const numbers = Array.from({ length: 100 }, (_, k) => k)

/** Two files of JSON lines; the second has empty ones. */
function jsonl(): string {
  const folder = testFolder()
  writeFileSync(join(folder, 'a.jsonl'), numbers.slice(0, 50).join('\n'))
  writeFileSync(join(folder, 'b.jsonl'), numbers.slice(50).join('\n\n'))
  return folder
}

describe.each([undefined, 1, 3])('chunks of %s', (chunk) => {
  test('an array: the index', async () => {
    const error = await failed(Dataset.fromArray(numbers).skip(10).map(at(57)), chunk)
    expect(error).toMatchObject({ index: 47, source: 'array#1[57]' })
    expect(error.message).toMatch(/^map#1 .* failed on element 47 \(array#1\[57\]\): no 57$/)
    expect(error.cause).toBeInstanceOf(RangeError)
  })

  test('what says no more than the element is not in the message', async () => {
    const error = await failed(Dataset.fromArray(numbers).map(at(57)), chunk)
    expect(error.source).toBe('array#1[57]')
    expect(error.message).toMatch(/ failed on element 57: no 57$/)
  })

  test('behind a global shuffle: the index in the array', async () => {
    const error = await failed(Dataset.fromArray(numbers).shuffle('global').map(at(57)), chunk)
    expect(error.source).toBe('array#1[57]')
    expect(error.index).not.toBe(57)
  })

  test.each([
    ['in a loop', (ds: Dataset<number>) => ds.map(at(57))],
    ['in calls', (ds: Dataset<number>) => ds.map(later(57), { parallelism: 4 })],
    ['behind a prefetch', (ds: Dataset<number>) => ds.prefetch(5).map(at(57))],
    ['behind calls', (ds: Dataset<number>) => ds.map(later(-1)).map(at(57))],
    ['behind two', (ds: Dataset<number>) => ds.map(later(-1)).prefetch(3).map(later(57))],
    [
      'behind a filter in the same loop',
      (ds: Dataset<number>) => ds.filter((x) => x % 3 === 0).map(at(57)),
    ],
    ['in a function of arrays', (ds: Dataset<number>) => ds.flatMap((x) => [at(57)(x)])],
    ['in a later epoch', (ds: Dataset<number>) => ds.repeat(2).map(later(57))],
    [
      'behind another dataset',
      (ds: Dataset<number>) => Dataset.range(-9, -1).concatenate(ds).map(later(57)),
    ],
  ])('JSON lines, %s: file and line', async (_, make) => {
    const folder = jsonl()
    // Empty lines between: the eighth number is on line 15.
    const error = await failed(make(Dataset.jsonl<number>(folder)), chunk)
    expect(error.source).toBe(`${folder}/b.jsonl:15`)
    expect(error.message).toContain(` (${folder}/b.jsonl:15): no 57`)
  })

  test('lines: file and line', async () => {
    const folder = jsonl()
    const error = await failed(Dataset.lines(folder).map(Number).map(at(7)), chunk)
    expect(error.source).toBe(`${folder}/a.jsonl:8`)
  })

  test('files: the path', async () => {
    const folder = testFolder()
    mkdirSync(join(folder, 'dog'))
    for (const name of ['1.jpg', '2.jpg']) writeFileSync(join(folder, 'dog', name), '')
    const decode = async ({ path }: { readonly path: string }): Promise<string> => {
      if (path.endsWith('2.jpg')) throw new Error('damaged')
      return path
    }
    const error = await failed(Dataset.labeledFiles(folder).map(decode), chunk)
    expect(error.source).toBe(join(folder, 'dog', '2.jpg'))
  })

  test('pages: the page and the place in it', async () => {
    const pages = Dataset.fromPages({
      start: 'a',
      read: async (page: string) =>
        page === 'a' ? { items: [1, 2], next: 'b' } : { items: [3, 4, 5] },
    })
    const error = await failed(pages.map(later(4)), chunk)
    expect(error.source).toBe('pages#1, page "b", item 1')
  })

  test('a generator: the number of the element', async () => {
    const error = await failed(
      Dataset.fromGenerator(() => numbers)
        .take(60)
        .map(at(57)),
      chunk,
    )
    expect(error.source).toBe('generator#1[57]')
  })

  test('a batch: from its first element to its last', async () => {
    const check = (xs: Float64Array): number => xs.map(at(57)).length
    const calls = Dataset.fromArray(numbers)
      .batch(10)
      .map(async (xs) => check(xs))
    expect(await failed(calls, chunk)).toMatchObject({
      index: 5,
      source: 'array#1[50] to array#1[59]',
    })
    const inLoop = Dataset.fromGenerator(() => numbers)
      .batch(10)
      .map(check)
    expect(await failed(inLoop, chunk)).toMatchObject({
      index: 5,
      // Of a batch that began in a chunk before, only the end is known.
      source: expect.stringMatching(/^(generator#1\[50\]|up) to generator#1\[59\]$/) as string,
    })
  })

  test('behind a filter in another loop: the first and the last that it can be', async () => {
    const some = Dataset.fromArray(numbers).filter((x) => x % 10 === 7)
    const error = await failed(some.map(later(57)), chunk)
    const [, first, last] =
      /^array#1\[(\d+)\](?: to array#1\[(\d+)\])?$/.exec(error.source ?? '') ?? []
    expect(Number(first)).toBeLessThanOrEqual(57)
    expect(Number(last ?? first)).toBeGreaterThanOrEqual(57)
    expect(error.index).toBe(5)
  })

  test('what was put together: both', async () => {
    const pairs = Dataset.zip([Dataset.fromArray(numbers), Dataset.fromArray(numbers).skip(3)])
    const error = await failed(
      pairs.map(([a]) => at(57)(a)),
      chunk,
    )
    expect(error.source).toBe('array#1[57] and array#1[60]')
  })

  test('a checkpoint: behind a resume it is the same', async () => {
    const folder = jsonl()
    const ds = Dataset.jsonl<number>(folder).map(later(-1)).map(at(57))
    const run = ds.iterate({ epoch: 0, ...(chunk === undefined ? {} : { chunk }) })
    for (let k = 0; k < 52; k++) await run.next()
    const rest = ds.resume(run.checkpoint())
    await run.close()
    await expect(
      (async () => {
        for await (const _ of rest) continue
      })(),
    ).rejects.toMatchObject({ source: `${folder}/b.jsonl:15` })
  })
})

test('within datasets of elements: the way there', async () => {
  const inner = (x: number): Dataset<number> => Dataset.fromArray([x, x + 1]).map(at(57))
  const folder = jsonl()
  const error = await failed(Dataset.jsonl<number>(folder).flatMap(inner))
  expect(error.index).toBe(1)
  expect(error.within).toMatch(/^element 56 of flatMap#\d+ \(.*b\.jsonl:13\)$/)
  expect(error.message).toMatch(/^map#1 .* failed on element 1, within element 56 of .*: no 57$/)
  const outer = Dataset.range(4).interleave((x) =>
    Dataset.range(20 * x, 20 * x + 20).flatMap(inner),
  )
  expect((await failed(outer)).within).toMatch(
    /^element 16 of flatMap#1(?: \(.*\))?, within element 2 of interleave#1$/,
  )
})

test('on a thread', async () => {
  const error = await failed(
    Dataset.fromArray(numbers)
      .skip(2)
      .map(failing.on(threads(1))),
  )
  expect(error).toMatchObject({ index: 1, source: 'array#1[3]', cause: { name: 'RangeError' } })
  expect(error.stack?.split('\n')[1]).toContain('fixtures/stages.ts')
})

test('the user’s own line comes first in the stack', async () => {
  const error = await failed(Dataset.fromArray(numbers).map(later(57)))
  expect(error.stack?.split('\n')[1]).toContain('origin.test.ts')
})

test('a dead letter says where its element came from', async () => {
  const folder = jsonl()
  const run = Dataset.jsonl<number>(folder).map(later(57), { onError: 'deadLetter' }).iterate()
  for await (const _ of run) continue
  expect(run.deadLetters).toMatchObject([{ index: 57, source: `${folder}/b.jsonl:15` }])
})
