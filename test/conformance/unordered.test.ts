import * as fc from 'fast-check'
import { type Checkpoint, Dataset } from 'millstream'
import { firstOf, takeFrom } from 'millstream/testing'
import { expect, test } from 'vitest'
import { hashBelow } from '../../src/stream/random.ts'
import { losesNothing, sometime, unorderedPlans } from './unordered-plans.ts'

const runs = Math.ceil(Number(process.env['MILLSTREAM_PLANS'] ?? 500) / 16)
const seed = { seed: Number(process.env['MILLSTREAM_SEED'] ?? 20261124) }

test(
  `${runs} random pipelines without order lose and double nothing, cut at every element, and again`,
  { timeout: 600_000 },
  async () => {
    let [cuts, largest] = [0, 0]
    await fc.assert(
      fc.asyncProperty(unorderedPlans, async (plan) => {
        const report = await losesNothing(plan)
        cuts += report.cuts
        largest = Math.max(largest, report.largest)
      }),
      { numRuns: runs, ...seed },
    )
    console.log(`${cuts} cuts, largest checkpoint ${largest} bytes`)
    expect(cuts).toBeGreaterThan(runs)
  },
)

test('a call that takes long holds up no other', async () => {
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const ds = Dataset.range(50).map(
    async (x) => {
      if (x === 3) await held
      return x
    },
    { parallelism: 4, deterministic: false },
  )
  const run = ds.iterate()
  const before = await takeFrom(run, 49)
  expect(before).not.toContain(3)
  const checkpoint = JSON.parse(JSON.stringify(run.checkpoint())) as Checkpoint
  release()
  expect(await takeFrom(run, 2)).toEqual([3])
  expect(await firstOf(ds.resume(checkpoint), 100)).toEqual([3])
})

test('what fails at random is delivered once, or told as skipped', async () => {
  const skipped = new Set<number>()
  let attempts = 0
  const flaky = Dataset.range(120)
    .map(
      async (x) => {
        if (hashBelow(7, attempts++, 5) === 0) throw new Error(`no ${x}`)
        return sometime(x)
      },
      { parallelism: 5, deterministic: false, onError: 'skip' },
    )
    .shuffle(7)
  const observe = (event: { type: string; index?: number }): void => {
    if (event.type === 'skip' && event.index !== undefined) skipped.add(event.index)
  }
  for (let at = 0; at < 90; at += 8) {
    skipped.clear()
    const run = flaky.iterate({ chunk: 1 + (at % 9), observe })
    const before = await takeFrom(run, at)
    const checkpoint = JSON.parse(JSON.stringify(run.checkpoint())) as Checkpoint
    await run.close()
    const all: number[] = [...before]
    // What was delivered behind the checkpoint's state must succeed again: here it may take several attempts.
    for (let from: Checkpoint | undefined = checkpoint; from !== undefined;) {
      const rest = flaky.resume(from, { observe })
      try {
        for await (const x of rest) all.push(x)
        from = undefined
      } catch (error) {
        expect(error).toMatchObject({ code: 'MILLSTREAM_STAGE_FAILED' })
        from = JSON.parse(JSON.stringify(rest.checkpoint())) as Checkpoint
      }
    }
    expect(new Set(all).size).toBe(all.length)
    const gone = Array.from({ length: 120 }, (_, k) => k).filter((k) => !all.includes(k))
    expect(gone.filter((k) => !skipped.has(k))).toEqual([])
  }
})

test('a plain function, whose calls do not overlap, is refused', () => {
  const ds = Dataset.range(3)
  expect(() => ds.map((x) => x, { deterministic: false })).toThrow(/overtake each other/)
  expect(() => ds.map((x) => x, { deterministic: false, parallelism: 2 })).not.toThrow()
})

test('explain warns of a shuffle behind it that holds much', () => {
  const ds = Dataset.range(100_000).map(sometime, { deterministic: false })
  expect(ds.shuffle(5000).explain()).toMatch(/order of about .* elements of mapAsync#1/)
  expect(ds.explain()).toContain('as they finish')
})
