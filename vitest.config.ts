import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { Plugin } from 'vite'

const src = fileURLToPath(new URL('./src', import.meta.url))

/** Plants a bug of test/conformance/mutants.json while a source is loaded: checks must catch it. */
function mutant(name: string): Plugin {
  const list = JSON.parse(
    readFileSync(new URL('./test/conformance/mutants.json', import.meta.url), 'utf8'),
  ) as readonly { name: string; file: string; find: string; replace: string }[]
  const bug = list.find((entry) => entry.name === name)
  if (bug === undefined) throw new Error(`there is no mutant ${name}`)
  return {
    name: 'mutant',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith(`/src/${bug.file}`)) return undefined
      if (!code.includes(bug.find))
        throw new Error(`mutant ${name}: nothing to change in ${bug.file}`)
      return code.replace(bug.find, bug.replace)
    },
  }
}

const bug = process.env['MILLSTREAM_MUTANT']

export default defineConfig({
  plugins: bug === undefined ? [] : [mutant(bug)],
  resolve: {
    // The package's name means the sources here, so that tests see what is being written. Worker threads and
    // spawned commands have no aliases: they get dist/, which `npm test` builds first.
    alias: [
      { find: /^millstream$/, replacement: `${src}/index.ts` },
      { find: /^millstream\/(\w+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // Processes, not threads: tests start threads of their own, change signals and exit codes.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    typecheck: {
      enabled: true,
      include: ['test/types/**/*.test-d.ts'],
      tsconfig: 'test/types/tsconfig.json',
    },
  },
})
