/**
 * Runs golden cases, sent by the runner one at a time, in a process of its own: one that hangs or dies
 * takes no other case along.
 */
import type { GoldenCase } from './cases.ts'
import { type Outcome, type RunCase, skipped } from './outcome.ts'

/** What runs the cases of each group. Groups that are not here are skipped. */
const runners: Readonly<Record<string, () => Promise<RunCase>>> = {
  pipelines: async () => (await import('./pipelines.ts')).runPipelineCase,
  images: async () => (await import('./images.ts')).runImageCase,
  learning: async () => (await import('./learning.ts')).runLearningCase,
}

async function run({ group, testCase, header, folder }: GoldenCase): Promise<Outcome> {
  const runner = runners[group]
  if (runner === undefined) return skipped(`group ${group} not supported yet`)
  try {
    return await (
      await runner()
    )(testCase, header, folder)
  } catch (error) {
    const got = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { status: 'failed', expected: 'an outcome', got }
  }
}

process.on('message', (message) => {
  void run(message as GoldenCase).then((outcome) => process.send?.(outcome))
})
process.on('disconnect', () => process.exit())

// Modules of the groups are compiled here, not on the first case's time.
await Promise.all(Object.values(runners).map((load) => load().catch(() => undefined)))
process.send?.('ready')
