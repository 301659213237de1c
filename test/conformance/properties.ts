import * as fc from 'fast-check'
import { checkResume, firstOf, type ResumeReport } from 'millstream/testing'
import { deepStrictEqual } from 'node:assert/strict'
import { build, modelOf, nameOf, type Plan } from './plans.ts'

/** How many elements of a random pipeline are looked at; `repeat` may make more. */
const LIMIT = 50

/** How a run is cut up; none of it may change what comes out. */
const shapes = [
  {},
  { chunk: 1, optimize: false },
  { chunk: 3, codegen: false },
  { codegen: false, optimize: false },
]

/** Where a run is left, in elements. */
export const places = fc.nat({ max: 20 })

/** It gives what its plain-array model says in every shape; without a model, the same in every shape. */
export async function equalsItsModel(plan: Plan, limit = LIMIT): Promise<void> {
  const outputs = await Promise.all(
    shapes.map((shape) => firstOf(build(plan).iterate({ ...shape, epoch: 0 }), limit)),
  )
  const wanted = modelOf(plan)?.slice(0, limit) ?? outputs[0]
  deepStrictEqual(
    { plan: nameOf(plan), outputs },
    { plan: nameOf(plan), outputs: shapes.map(() => wanted) },
  )
}

/** It resumes at every element, and again. */
export async function resumesAnywhere(plan: Plan, limit = LIMIT): Promise<ResumeReport> {
  return checkResume(build(plan), limit).catch((error: unknown) => {
    throw new Error(nameOf(plan), { cause: error })
  })
}

/** A checkpoint taken after the loop was left is as good as one before. */
export async function resumesAfterwards(plan: Plan, at: number): Promise<void> {
  const whole = await firstOf(build(plan).iterate({ epoch: 0 }), LIMIT)
  const ds = build(plan)
  const run = ds.iterate({ epoch: 0, chunk: 3 })
  const before = await firstOf(run, Math.min(at, whole.length))
  const rest = await firstOf(ds.resume(run.checkpoint()), LIMIT - before.length)
  deepStrictEqual(
    { plan: nameOf(plan), got: [...before, ...rest] },
    { plan: nameOf(plan), got: whole },
  )
}
