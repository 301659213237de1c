import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Dataset } from 'millstream'
import { checkResume } from 'millstream/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { globToRegExp } from '../../src/sources/glob.ts'

let root = ''
const names = [
  'b/2.jpg',
  'b/10.jpg',
  'a/x.png',
  'a/deep/y.jpg',
  'top.txt',
  '.hidden/z.jpg',
  'a/.secret.jpg',
  'B/1.jpg',
]

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'files-'))
  for (const name of names) {
    await mkdir(join(root, name, '..'), { recursive: true })
    await writeFile(join(root, name), name)
  }
})

afterAll(() => rm(root, { recursive: true }))

const under = async (ds: Dataset<string>): Promise<string[]> =>
  (await ds.toArray()).map((path) => relative(root, path))

test('a folder gives all files below, sorted by code units, hidden ones left out', async () => {
  expect(await under(Dataset.listFiles(root))).toEqual([
    'B/1.jpg',
    'a/deep/y.jpg',
    'a/x.png',
    'b/10.jpg',
    'b/2.jpg',
    'top.txt',
  ])
})

test('links count as what they point at, broken ones stay, loops end', async () => {
  const linked = await mkdtemp(join(tmpdir(), 'links-'))
  await symlink(join(root, 'b'), join(linked, 'class'))
  await symlink(join(root, 'top.txt'), join(linked, 'file.txt'))
  await symlink(join(linked, 'gone'), join(linked, 'broken.txt'))
  await symlink(linked, join(linked, 'loop'))
  const found = await Dataset.listFiles(linked).toArray()
  expect(found.map((path) => relative(linked, path))).toEqual([
    'broken.txt',
    'class/10.jpg',
    'class/2.jpg',
    'file.txt',
  ])
  await rm(linked, { recursive: true })
})

test('a pattern picks', async () => {
  expect(await under(Dataset.listFiles(`${root}/**/*.jpg`))).toEqual([
    'B/1.jpg',
    'a/deep/y.jpg',
    'b/10.jpg',
    'b/2.jpg',
  ])
  expect(await under(Dataset.listFiles(`${root}/{a,b}/*.{jpg,png}`))).toEqual([
    'a/x.png',
    'b/10.jpg',
    'b/2.jpg',
  ])
})

test('several patterns give each file once', async () => {
  const patterns = [
    `${root}/b`,
    `${root}/b/2.jpg`,
    `${root}/**/2.jpg`,
    `${root}/*.txt`,
    `${root}/*.none`,
  ]
  expect(await under(Dataset.listFiles(patterns))).toEqual(['b/10.jpg', 'b/2.jpg', 'top.txt'])
})

test('a pattern that nothing matches is an error, not an empty dataset', async () => {
  const none = Dataset.listFiles([`${root}/*.none`, `${root}/.*`]).toArray()
  await expect(none).rejects.toMatchObject({
    code: 'MILLSTREAM_DATA',
    message: expect.stringMatching(/no file matches .*none, /) as string,
  })
  expect(() => Dataset.listFiles([])).toThrow(/takes a pattern/)
  expect(() => Dataset.listFiles(['a', ''])).toThrow(/takes a path/)
})

test('shuffled: all files, another order in each epoch, resumed at any', async () => {
  const many = await mkdtemp(join(tmpdir(), 'many-'))
  for (let k = 0; k < 30; k++) await writeFile(join(many, `${k}`), '')
  const sorted = await Dataset.listFiles(many).toArray()
  const ds = Dataset.listFiles(many, { shuffle: true, seed: 3 })
  const [a, b] = [await ds.toArray({ epoch: 0 }), await ds.toArray({ epoch: 1 })]
  expect(a).not.toEqual(sorted)
  expect(a).not.toEqual(b)
  for (const order of [a, b]) expect(order.toSorted()).toEqual(sorted)
  expect(await ds.toArray({ epoch: 0 })).toEqual(a)
  expect(await Dataset.listFiles(many, { shuffle: true }).toArray({ epoch: 0 })).not.toEqual(a)
  await checkResume(ds.repeat(2))
  await rm(many, { recursive: true })
})

test.each([
  ['*.txt', 'a.txt', true],
  ['*.txt', 'a/b.txt', false],
  ['**/*.txt', 'a.txt', true],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['x.(1)+', 'x.(1)+', true],
  ['a,b', 'a,b', true],
])('pattern %s, path %s: %s', (pattern, path, matches) => {
  expect(globToRegExp(pattern).test(path)).toBe(matches)
})

test('class folders give labels', async () => {
  const labeled = await Dataset.labeledFiles(root).toArray()
  expect(
    labeled.map(({ path, label, className }) => [relative(root, path), label, className]),
  ).toEqual([
    ['B/1.jpg', 0, 'B'],
    ['a/deep/y.jpg', 1, 'a'],
    ['a/x.png', 1, 'a'],
    ['b/10.jpg', 2, 'b'],
    ['b/2.jpg', 2, 'b'],
  ])
})

test('a resume into another listing is refused', async () => {
  const ds = Dataset.listFiles(`${root}/b/*.jpg`)
  const run = ds.iterate()
  await run.next()
  const checkpoint = run.checkpoint()
  await run.close()
  expect(await under(Dataset.listFiles(`${root}/b/*.jpg`))).toHaveLength(2)
  await writeFile(join(root, 'b/11.jpg'), '')
  const resumed = ds.resume(checkpoint)
  await expect(resumed.next()).rejects.toMatchObject({ code: 'MILLSTREAM_CHECKPOINT_MISMATCH' })
  await rm(join(root, 'b/11.jpg'))
})

test('a folder that is not there is named', async () => {
  await expect(Dataset.listFiles(join(root, 'nowhere')).toArray()).rejects.toMatchObject({
    code: 'MILLSTREAM_DATA',
    message: expect.stringContaining('nowhere') as string,
  })
})
