import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
// Inside the repository, so that the package's name is found; ignored by git.
mkdirSync(join(root, '.cache'), { recursive: true })
const folder = mkdtempSync(join(root, '.cache', 'blocks-'))

afterAll(() => rmSync(folder, { recursive: true }))

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** The blocks of a page that are whole programs: all that do not say `no-run`. */
const blocks = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, code], k) => ({
      name: `${page}, block ${k + 1}`,
      code: code ?? '',
    }),
  ),
)

test('there are blocks to run', () => {
  expect(blocks.length).toBeGreaterThan(3)
})

test.each(blocks)('$name runs and prints', { timeout: 60_000 }, ({ name, code }) => {
  const file = join(folder, `${name.replace(/\W+/g, '-')}.ts`)
  writeFileSync(file, code)
  const run = spawnSync(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(run.stderr).toBe('')
  expect(run.status).toBe(0)
  expect(run.stdout.length).toBeGreaterThan(10)
})
