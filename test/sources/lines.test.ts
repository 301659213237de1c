import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Dataset, to } from 'millstream'
import { checkResume, takeFrom } from 'millstream/testing'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'millstream-lines-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
function file(content: string | Buffer, ending = '.txt'): string {
  const path = join(folder, `${++count}${ending}`)
  writeFileSync(path, content)
  return path
}

test.each([
  ['', []],
  ['\n', ['']],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\nb', ['a', 'b']],
  ['a\r\n\r\nb\r\n', ['a', '', 'b']],
  ['\u{FEFF}a\n\u{FEFF}b\n', ['a', '\u{FEFF}b']],
  ['ä\u2028ö\n\u{1F600}', ['ä\u2028ö', '\u{1F600}']],
])('the lines of %j', async (text, lines) => {
  expect(await Dataset.lines(file(text)).toArray()).toEqual(lines)
  expect(await Dataset.lines(file(gzipSync(text), '.txt.gz')).toArray()).toEqual(lines)
})

// Several blocks: characters of several bytes at their borders, and a line longer than a block.
const long = Array.from({ length: 40_000 }, (_, k) => `${k}ä${'é'.repeat(k % 23)}`)
long.splice(20_000, 0, 'ü'.repeat(400_000))

test('lines of files longer than a block, packed and not, one behind the other', async () => {
  const paths = [
    file(long.join('\n')),
    file(gzipSync(`${long.join('\r\n')}\r\n`), '.gz'),
    file('end'),
  ]
  const got = await Dataset.lines(paths).toArray()
  expect(got.length).toBe(2 * long.length + 1)
  expect(got).toEqual([...long, ...long, 'end'])
})

test.each(['', '.gz'])('a resume within a long file goes on there %s', async (ending) => {
  const text = long.join('\n')
  const lines = Dataset.lines(file(ending === '' ? text : gzipSync(text), ending))
  for (const at of [1, 7_777, 20_001, 39_000, 40_001]) {
    const run = lines.iterate()
    await takeFrom(run, at)
    const checkpoint = JSON.stringify(run.checkpoint())
    await run.close()
    const rest: string[] = []
    for await (const line of lines.resume(JSON.parse(checkpoint))) rest.push(line)
    expect(rest.length).toBe(long.length - at)
    expect(rest).toEqual(long.slice(at))
  }
})

test('cut at each line', async () => {
  const paths = [file('a\nb\nc\n'), file(''), file(gzipSync('d\ne'), '.gz'), file('f\n\ng')]
  await checkResume(Dataset.lines(paths))
  await checkResume(Dataset.jsonl(file('1\n\n"2"\n[3]\n{"x":4}')))
})

test('a file that cannot be read, and one that is damaged, are named', async () => {
  const gone = join(folder, 'gone.txt')
  await expect(Dataset.lines(gone).toArray()).rejects.toThrow(/gone\.txt/)
  const torn = file(gzipSync('a\n'.repeat(9_999)).subarray(0, 30), '.gz')
  await expect(Dataset.lines(torn).toArray()).rejects.toMatchObject({
    message: expect.stringContaining(`cannot read ${torn}: unexpected end of file`),
    cause: { code: 'MILLSTREAM_DATA' },
  })
})

test('a line that is no JSON fails with its file and number, or is left out', async () => {
  const path = file('{"id":1}\n\n{"id":2\n{"id":3}\n', '.jsonl')
  const run = Dataset.jsonl<{ id: number }>(path).iterate()
  expect(await takeFrom(run, 1)).toEqual([{ id: 1 }])
  await expect(run.next()).rejects.toThrow(`${path}:3 is no JSON: `)
  await run.close()
  const rest = Dataset.jsonl(path, { onError: 'skip' }).iterate()
  expect(await takeFrom(rest, 9)).toEqual([{ id: 1 }, { id: 3 }])
  expect(rest.skipped).toBe(1)
  const bad = Dataset.jsonl(path, { onError: 'skip', maxErrors: 0 })
  await expect(bad.toArray()).rejects.toThrow(`${path}:3 is no JSON: `)
})

test('a pipeline over files that changed is not taken for done', async () => {
  const path = file('{"id":1}\n', '.jsonl')
  const job = Dataset.jsonl(path).write(to.jsonl(join(folder, 'out.jsonl')), {
    state: join(folder, 'state'),
  })
  expect((await job.run()).delivered).toBe(1)
  expect((await job.run()).alreadyDone).toBe(true)
  writeFileSync(path, '{"id":1}\n{"id":2}\n')
  await expect(job.run()).rejects.toThrow('the input of the run has changed')
  expect((await job.run({ restart: true })).delivered).toBe(2)
})

test('leaving early closes the files', async () => {
  const lines = Dataset.lines([file(long.join('\n')), file(gzipSync(long.join('\n')), '.gz')])
  expect(await lines.skip(3).first()).toBe(long[3])
  expect(await lines.skip(long.length + 3).first()).toBe(long[3])
})
