import type { Metrics, StageMetrics } from '../metrics.ts'
import type { Measured } from './facts.ts'
import { count, percent } from './text.ts'

/** How long a run took, and how much of that its reader waited for elements. Milliseconds. */
export interface Timing {
  readonly ms: number
  readonly waitedMs: number
}

/** What a run found out. */
export interface Measurement {
  readonly stages: readonly StageMetrics[]
  readonly outputs: ReadonlyMap<string, Measured>
  readonly timing: Timing
}

/** Number and size of the elements of each stage; the number only when the stage was read to its end, once. */
export function outputsOf(metrics: Metrics): ReadonlyMap<string, Measured> {
  return new Map(
    [...metrics.counters].map(([name, { elements, openings, ended, bytes }]) => [
      name,
      {
        elements: openings === 1 && ended > 0 ? elements : undefined,
        perOpening: elements / openings,
        bytes,
      },
    ]),
  )
}

/** The share of its time that a stage worked, each of its lanes. */
export function shareOf({ busyMs, lanes }: StageMetrics, { ms }: Timing): number {
  return ms === 0 ? 0 : busyMs / ms / lanes
}

/** The stage that worked most of its time, where one worked at all. */
export function busiest(stages: readonly StageMetrics[], timing: Timing): StageMetrics | undefined {
  const [first] = stages.toSorted((a, b) => shareOf(b, timing) - shareOf(a, timing))
  return first !== undefined && first.busyMs > 0 ? first : undefined
}

export function measuredRows({ stages, timing }: Measurement): string[][] {
  const rows = stages.map((stage) => [
    nameOf(stage),
    count(stage.elements),
    count(stage.chunks),
    count(stage.skipped),
    `${Math.round(stage.busyMs)} ms`,
    percent(shareOf(stage, timing)) + (stage.lanes > 1 ? ` of ${stage.lanes} lanes` : ''),
  ])
  return [['stage', 'elements', 'chunks', 'left out', 'busy', 'share of the run'], ...rows]
}

export function measuredTitle({ ms, waitedMs }: Timing): string {
  const waited = ms === 0 ? 0 : waitedMs / ms
  return `measured in ${(ms / 1000).toFixed(1)} s, of which the reader waited ${percent(waited)}`
}

const LONG = 36

function nameOf({ stage, operators }: StageMetrics): string {
  const all = operators.join(', ')
  return all.length <= LONG ? all : `${operators[0]} ... ${stage}`
}

/** From here on a stage is as busy as it gets: clocks are coarse, and there are gaps between chunks. */
const FULL = 0.7
/** A stage that worked less explains nothing. */
const SOME = 0.2
/** A reader that waits less is the slower side. */
const LITTLE = 0.1

/** Who is slowest, and what to do about it, in a line; undefined where nobody is. */
export function verdict({
  stages,
  timing,
}: Pick<Measurement, 'stages' | 'timing'>): string | undefined {
  if (timing.ms > 0 && timing.waitedMs / timing.ms < LITTLE) {
    return 'the reader is slower than the pipeline: a faster pipeline would change nothing'
  }
  const first = busiest(stages, timing)
  if (first === undefined) return undefined
  const share = shareOf(first, timing)
  if (share < SOME) return undefined
  const how =
    first.lanes > 1 ? `${first.lanes} lanes ${percent(share)} busy` : `${percent(share)} busy`
  return `busiest: ${nameOf(first)}, ${how}${share < FULL ? '' : `; ${adviceFor(first)}`}`
}

function adviceFor({ lanes, stage }: StageMetrics): string {
  if (/mapAsync#\d+$/.test(stage)) {
    return lanes > 1
      ? 'more of them help, if what they use can take more'
      : 'more parallelism helps, if what it uses can take more'
  }
  return "it works on the pipeline's thread: a stage on threads(n) would work beside it"
}
