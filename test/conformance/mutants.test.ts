import { build, type Plugin, stop, transform } from 'esbuild'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

interface Mutant {
  readonly name: string
  /** Below `src/`. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** A regular expression: only random plans whose names match are run, those with the operator in question. */
  readonly among?: string
  /** Random plans whose order is free are run, not those with a model. */
  readonly order?: 'unordered'
}

const mutants = JSON.parse(
  readFileSync(new URL('mutants.json', import.meta.url), 'utf8'),
) as readonly Mutant[]

const PLANS = 150
const root = fileURLToPath(new URL('../..', import.meta.url))

/** The package's name means the sources, and one of them has a bug. */
function planting(mutant: Mutant | undefined): Plugin {
  return {
    name: 'planting',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^millstream(\/\w+)?$/ }, ({ path }) => ({
        path: `${root}src${path.slice('millstream'.length)}/index.ts`,
      }))
      if (mutant === undefined) return
      onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
        if (path !== `${root}src/${mutant.file}`) return undefined
        const code = readFileSync(path, 'utf8')
        if (!code.includes(mutant.find)) throw new Error(`nothing to change in ${mutant.file}`)
        return { contents: code.replace(mutant.find, mutant.replace), loader: 'ts' }
      })
    },
  }
}

async function bundleWith(mutant: Mutant | undefined): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['test/conformance/planted.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    plugins: [planting(mutant)],
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error('no bundle')
  return file.contents
}

/** Runs random plans in a process of its own. */
async function runWith(
  mutant: Mutant | undefined,
  runs: number,
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const code = await bundleWith(mutant)
  const args = ['--input-type=module', '-', mutant?.among ?? '', `${runs}`, mutant?.order ?? '']
  const child = spawn(process.execPath, args, { cwd: root, signal, killSignal: 'SIGKILL' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  child.stdin.end(code)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exit) => resolve({ code: exit, output }))
  })
}

// Its process is there for all tests.
beforeAll(() => transform(''))
afterAll(stop)

test(
  'random plans catch nothing where nothing is planted',
  { timeout: 120_000 },
  async ({ signal }) => {
    const { code, output } = await runWith(undefined, 10, signal)
    expect(output).toBe('undefined\n')
    expect(code).toBe(0)
  },
)

// Negative controls: a harness that catches nothing would look just as green.
test.for(mutants)('random plans catch: $name', { timeout: 120_000 }, async (mutant, { signal }) => {
  const { code, output } = await runWith(mutant, PLANS, signal)
  expect(output).toMatch(/^Property failed after \d+ tests/)
  expect(code).toBe(1)
})
