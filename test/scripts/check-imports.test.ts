import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { checkImports } from '../../scripts/check-imports.mjs'

const script = fileURLToPath(new URL('../../scripts/check-imports.mjs', import.meta.url))
const roots: string[] = []

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

/** A repository of the given files. */
function repository(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'check-imports-'))
  roots.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** Where the rules are broken, as `file:line`, and by which rule. */
function breachesOf(files: Readonly<Record<string, string>>): [string, string][] {
  return checkImports(repository(files)).map(({ file, line, rule }) => [`${file}:${line}`, rule])
}

describe('imports go down only', () => {
  test('a house in order has no breach', () => {
    const files = {
      'src/index.ts': "export { Dataset } from './dataset/index.ts'\n",
      'src/dataset/index.ts': "import { run } from '../run/run.ts'\n",
      'src/run/run.ts': "import type { Node } from '../plan/node.ts'\nimport { x } from './y.ts'\n",
      'src/plan/node.ts': "import { readFile } from 'node:fs'\nimport { z } from 'zod'\n",
      'src/cli/main.ts': "import { Dataset } from '../index.ts'\n",
      'test/run/run.test.ts': "import { run } from '../../src/run/run.ts'\n",
    }
    expect(breachesOf(files)).toEqual([])
  })

  test.each([
    ['import', "import { Dataset } from '../dataset/index.ts'"],
    ['type import', "import type { Dataset } from '../dataset/index.ts'"],
    ['re-export', "export * from '../dataset/index.ts'"],
    ['dynamic import', "export const load = () => import('../dataset/index.ts')"],
    ['import type node', "export type D = import('../dataset/index.ts').Dataset"],
  ])('a planted upward %s is found', (_, line) => {
    expect(breachesOf({ 'src/plan/node.ts': `// first line\n${line}\n` })).toEqual([
      ['src/plan/node.ts:2', 'imports go down only: plan is below dataset'],
    ])
  })

  test('an import in a comment or a string is none', () => {
    const text =
      "// import '../dataset/index.ts'\nexport const s = \"import '../dataset/index.ts'\"\n"
    expect(breachesOf({ 'src/plan/node.ts': text })).toEqual([])
  })

  test('a leaf imports only what it is given', () => {
    expect(breachesOf({ 'src/image/png.ts': "import '../plan/node.ts'\n" })).toEqual([
      ['src/image/png.ts:1', 'image imports only errors, tensor'],
    ])
  })

  test('what is built on the public API sees no internals', () => {
    expect(breachesOf({ 'src/ml/model.ts': "import '../plan/node.ts'\n" })).toEqual([
      [
        'src/ml/model.ts:1',
        "ml is built on the public API: import '../index.ts' or '../plan/index.ts'",
      ],
    ])
  })

  test('a new folder needs a storey', () => {
    expect(breachesOf({ 'src/attic/box.ts': "import '../plan/node.ts'\n" })).toEqual([
      ['src/attic/box.ts:1', 'src/attic has no storey: give it one in scripts/check-imports.mjs'],
    ])
  })

  test('src/ reaches nothing outside', () => {
    expect(breachesOf({ 'src/plan/node.ts': "import '../../test/help.ts'\n" })).toEqual([
      ['src/plan/node.ts:1', 'src/ imports nothing from outside src/'],
    ])
  })
})

test('cycles between folders of one storey are found', () => {
  const found = breachesOf({
    'src/place/a.ts': "import '../stage/b.ts'\n",
    'src/stage/b.ts': "import '../cluster/c.ts'\n",
    'src/cluster/c.ts': "import '../place/a.ts'\n",
  })
  expect(found.map(([where]) => where)).toEqual([
    'src/cluster/c.ts:1',
    'src/place/a.ts:1',
    'src/stage/b.ts:1',
  ])
  expect(found[1]?.[1]).toBe('no cycles between folders: place -> stage -> cluster -> place')
})

test.each(['export default 1', 'export default function f() {}', 'export { x as default }'])(
  'a default export in src/ is found: %s',
  (line) => {
    const rule = 'src/ has no default exports: a thing has one name everywhere'
    expect(breachesOf({ 'src/plan/node.ts': `const x = 1\n${line}\n` })).toEqual([
      ['src/plan/node.ts:2', rule],
    ])
    expect(breachesOf({ 'examples/01/main.ts': `const x = 1\n${line}\n` })).toEqual([])
  },
)

test('nothing imports from dist/', () => {
  expect(breachesOf({ 'test/a.test.ts': "import '../dist/index.js'\n" })).toEqual([
    ['test/a.test.ts:1', "nothing imports from dist/: use the source, or the package's name"],
  ])
})

test('500 lines are a file, 501 are two', () => {
  const lines = (count: number) => 'export {}\n'.repeat(count)
  expect(breachesOf({ 'src/plan/a.ts': lines(500) })).toEqual([])
  expect(breachesOf({ 'test/a.test.ts': lines(501) })).toEqual([
    ['test/a.test.ts:501', 'a file has 500 lines at most'],
  ])
})

test('the command prints file, import and rule, and fails', () => {
  const root = repository({ 'src/plan/node.ts': "import '../run/run.ts'\n" })
  const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
  expect(stderr).toContain("src/plan/node.ts:1: imports '../run/run.ts'")
  expect(stderr).toContain('imports go down only: plan is below run')
  expect(status).toBe(1)
  const clean = spawnSync(process.execPath, [script, repository({})], { encoding: 'utf8' })
  expect(clean).toMatchObject({ status: 0, stdout: '', stderr: '' })
})
