import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = fileURLToPath(new URL('./src', import.meta.url))

export default defineConfig({
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
