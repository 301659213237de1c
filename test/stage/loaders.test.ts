/** The ways in which a program and its stages can be loaded; each with the built package. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Dataset, threads } from 'millstream'
import { expect, test } from 'vitest'
import { increment } from './fixtures/typed-stages.ts'

const cwd = fileURLToPath(new URL('./fixtures', import.meta.url))
const result = '[1,2,3,4]'

async function node(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 25_000 })
  return stdout.trim()
}

test('JavaScript, by Node alone', async () => {
  expect(await node('plain.mjs')).toBe(result)
})

test('TypeScript, by tsx', async () => {
  expect(await node('--import', 'tsx', 'typed.ts')).toBe(result)
})

test.runIf('typescript' in process.features && process.features.typescript)(
  'TypeScript, by Node alone',
  async () => {
    expect(await node('typed.ts')).toBe(result)
  },
)

test('a program given as text', async () => {
  const text = `import { Dataset, threads } from 'millstream'
    import { increment } from './plain-stages.mjs'
    console.log(JSON.stringify(await Dataset.range(4).map(increment.on(threads(1))).toArray()))`
  expect(await node('--input-type=module', '--eval', text)).toBe(result)
})

test('a test runner, which loads TypeScript its own way', async () => {
  const placed = Dataset.range(4).map(increment.on(threads(2)))
  expect(JSON.stringify(await placed.toArray())).toBe(result)
})
