import { join } from 'node:path'
import * as fc from 'fast-check'
import { testFolder } from '../folder.ts'
import type { Step } from './plans.ts'

/** Caches in folders, each of its own. */

const folder = testFolder()
let folders = 0

export const storeSteps: readonly fc.Arbitrary<Step>[] = [
  fc.integer({ min: 1, max: 3 }).map((epochs) => ({
    name: `cache in a folder, repeat(${epochs})`,
    // So large that there are several chunks.
    apply: (ds) =>
      ds
        .map((x) => ({ x, text: 'x'.repeat(5000) }))
        .cache(join(folder, `${folders++}`))
        .repeat(epochs)
        .map(({ x }) => x),
    model: (xs) => Array.from({ length: epochs }, () => xs).flat(),
  })),
]
