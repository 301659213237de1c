import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, Tensor, to } from 'millstream'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

const written = async (
  rows: readonly object[],
  options: Parameters<typeof to.csv>[1] = {},
): Promise<string> => {
  const path = join(testFolder(), 'out.csv')
  await Dataset.fromArray(rows).write(to.csv(path, options)).run()
  return readFileSync(path, 'utf8')
}

test('CSV is quoted as RFC 4180 says', async () => {
  const text = await written([
    { a: 'plain', 'b,c': 'comma, here' },
    { a: 'say "hi"', 'b,c': 'two\nlines' },
    { a: '', 'b,c': null },
    { a: ' space ', 'b,c': '\r' },
  ])
  expect(text).toBe('a,"b,c"\nplain,"comma, here"\n"say ""hi""","two\nlines"\n"",\n space ,"\r"\n')
})

test('CSV: all kinds of values, columns in order, members that are missing', async () => {
  const rows = [
    { n: 0.1, big: 12n, ok: true, at: new Date(0), none: undefined },
    { ok: false, n: -0 },
  ]
  expect(await written(rows, { columns: ['ok', 'n', 'big', 'at'] })).toBe(
    'ok,n,big,at\ntrue,0.1,12,1970-01-01T00:00:00.000Z\nfalse,0,,\n',
  )
  expect(
    await written([{ a: 'x;y', b: 1 }], { delimiter: ';', header: false, newline: '\r\n' }),
  ).toBe('"x;y";1\r\n')
  expect(await written([{ a: null }, { a: 1 }])).toBe('a\n""\n1\n')
  expect(await written([])).toBe('')
  expect(await written([], { columns: ['a', 'b'] })).toBe('a,b\n')
})

test.each([
  [[{ a: 1 }, { a: 1, b: 2 }], /row 2: it has a member b, and the columns are a; name all of them/],
  [[{ a: 1 }, { a: [1] }], /row 2: column a: an array.* does not fit into a field; map it/],
  [[{ a: new Date(Number.NaN) }], /row 1: column a: an invalid date/],
  [[3], /row 1: .*3.* is no record/],
] as const)('CSV refuses what does not fit: %j', async (rows, message) => {
  await expect(written(rows as unknown as object[])).rejects.toThrow(message)
})

test('JSON lines hold what JSON can hold', async () => {
  const path = join(testFolder(), 'new', 'folder', 'out.jsonl')
  const rows = [
    { a: 1, b: [null, 'x\n'], c: undefined },
    'text',
    new Float32Array([0.5, 1]),
    { image: new Tensor(new Uint8Array([1, 2, 3, 4]), [2, 2]), at: new Date(0) },
    [1, [2]],
    null,
    new URL('https://example.org/'),
  ]
  await Dataset.fromArray<unknown>(rows).write(to.jsonl(path)).run()
  expect(readFileSync(path, 'utf8')).toBe(
    [
      '{"a":1,"b":[null,"x\\n"]}',
      '"text"',
      '[0.5,1]',
      '{"image":[[1,2],[3,4]],"at":"1970-01-01T00:00:00.000Z"}',
      '[1,[2]]',
      'null',
      '"https://example.org/"',
      '',
    ].join('\n'),
  )
})

test.each([
  [{ a: { b: [1, Number.NaN] } }, /element 1: \.a\.b\[1\]: NaN has no JSON/],
  [{ n: 1n }, /element 1: \.n: the bigint 1 has no JSON/],
  [undefined, /element 1: undefined has no JSON/],
  [{ x: new Float64Array([1, Infinity]) }, /element 1: \.x\[1\]: Infinity/],
  [{ x: new BigInt64Array(1) }, /element 1: \.x: an array of bigints/],
] as const)('JSON lines refuse what JSON cannot hold: %o', async (element, message) => {
  const path = join(testFolder(), 'out.jsonl')
  const rows = Dataset.fromArray<unknown>([1, element])
  await expect(rows.write(to.jsonl(path)).run()).rejects.toThrow(message)
  // Nobody can go on without a state folder: nothing is left behind.
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('an element that refers to itself is refused', async () => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  const rows = Dataset.fromArray([circle])
  await expect(rows.write(to.jsonl(join(testFolder(), 'out.jsonl'))).run()).rejects.toThrow(
    'refers to itself',
  )
})

test('an old file stays until the new one is complete', async () => {
  const path = join(testFolder(), 'out.jsonl')
  writeFileSync(path, 'old')
  const rows = Dataset.range(3).map((x) => {
    if (x === 2) throw new Error('no')
    return x
  })
  await expect(rows.write(to.jsonl(path)).run()).rejects.toThrow('no')
  expect(readFileSync(path, 'utf8')).toBe('old')
  await Dataset.range(2).write(to.jsonl(path)).run()
  expect(readFileSync(path, 'utf8')).toBe('0\n1\n')
})

test('options that make no sense are refused while the pipeline is described', () => {
  expect(() => to.jsonl('')).toThrow('takes the path of a file')
  expect(() => to.jsonl('pages/')).toThrow('is a folder; name a file in it')
  expect(() => to.csv('x', { delimiter: '""' })).toThrow('delimiter must be one character')
  expect(() => to.csv('x', { columns: ['a', 'a'] })).toThrow('each once')
  expect(() => to.call(() => 1, { size: 0 })).toThrow('whole number from 1')
  // @ts-expect-error: a path is no sink
  expect(() => Dataset.range(1).write('out.jsonl')).toThrow("such as to.jsonl('out.jsonl')")
})

test('a file that cannot be written is named', async () => {
  const path = join(testFolder(), 'file')
  writeFileSync(path, '')
  await expect(
    Dataset.range(1)
      .write(to.jsonl(join(path, 'out.jsonl')))
      .run(),
  ).rejects.toThrow(/cannot write .*out\.jsonl: (EEXIST|ENOTDIR)/)
})
