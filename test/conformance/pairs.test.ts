import { checkResume, firstOf } from 'millstream/testing'
import { expect, test } from 'vitest'
import { build, modelOf, nameOf, type Plan, stepKinds } from './plans.ts'

/** Every operator behind every other: fusion, cuts and state meet in pairs. */
const kinds = stepKinds(1, 7)
const sources = [
  Array.from({ length: 12 }, (_, k) => k),
  Array.from({ length: 23 }, (_, k) => (k * 37) % 41),
]

const pairs: readonly Plan[] = kinds.flatMap((firsts) =>
  kinds.flatMap((seconds) =>
    firsts.map((first, k) => ({
      source: sources[k % sources.length] ?? [],
      steps: [first, seconds[(k + 1) % seconds.length] ?? first],
    })),
  ),
)

const shapes = [
  {},
  { chunk: 1, optimize: false },
  { chunk: 3, codegen: false },
  { codegen: false, optimize: false },
]

test(
  `${pairs.length} pairs of operators equal their models in every shape`,
  { timeout: 120_000 },
  async () => {
    for (const plan of pairs) {
      const outputs = []
      for (const shape of shapes)
        outputs.push(await firstOf(build(plan).iterate({ ...shape, epoch: 0 }), 80))
      const wanted = modelOf(plan)?.slice(0, 80) ?? outputs[0]
      expect({ plan: nameOf(plan), outputs }).toEqual({
        plan: nameOf(plan),
        outputs: shapes.map(() => wanted),
      })
    }
  },
)

test(
  `${pairs.length} pairs of operators resume at every element`,
  { timeout: 240_000 },
  async () => {
    for (const plan of pairs) {
      await checkResume(build(plan), 25).catch((error: unknown) => {
        throw new Error(nameOf(plan), { cause: error })
      })
    }
  },
)
