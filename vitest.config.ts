import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const src = fileURLToPath(new URL('./src', import.meta.url))

/** The test files that take longest, longest first: whoever begins one last waits for it alone. */
const longest = [
  'test/conformance/mutants.test.ts',
  'test/conformance/pairs.test.ts',
  'test/conformance/plans.test.ts',
  'test/examples/dogs-run.test.ts',
  'test/cluster/cluster.test.ts',
  'test/postgres/faults.test.ts',
  'test/cli/run.test.ts',
  'test/cli/pipeline.test.ts',
  'test/sinks/kill.test.ts',
  'test/ml/engine.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // -1 of the others makes them equal, so that they stay as they were sorted.
    const place = ({ moduleId }: TestSpecification): number =>
      longest.toReversed().findIndex((file) => moduleId.endsWith(`/${file}`))
    return (await super.sort(files)).toSorted((a, b) => place(b) - place(a))
  }
}

export default defineConfig({
  resolve: {
    // The package's name means the sources here, so that tests see what is being written. Worker threads and
    // spawned commands have no aliases: they get dist/, which `npm test` builds first.
    alias: [
      { find: /^millstream$/, replacement: `${src}/index.ts` },
      { find: 'millstream/stage', replacement: `${src}/stage/entry.ts` },
      { find: /^millstream\/(\w+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // Processes, not threads: tests start threads of their own, change signals and exit codes.
    pool: 'forks',
    // Vitest leaves one core to itself, which is half of two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    // They end what hangs; how fast the machine is must not matter.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    typecheck: {
      enabled: true,
      include: ['test/types/**/*.test-d.ts'],
      tsconfig: 'test/types/tsconfig.json',
    },
  },
})
