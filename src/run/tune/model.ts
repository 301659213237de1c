import type { KnobUnit } from '../../trace/events.ts'

/** What a stage with lanes did in a stretch of time. */
export interface Load {
  readonly stage: string
  readonly unit: KnobUnit
  /** Calls or workers that it may use. */
  readonly lanes: number
  /** How many of them were at work, on average. */
  readonly occupied: number
  /** Milliseconds that an element kept one. */
  readonly serviceMs: number
  /** Elements a second that it cannot exceed, however many lanes; where that was found out. */
  readonly ceiling?: number | undefined
}

/** A stretch of time of a running pipeline. */
export interface Stretch {
  readonly loads: readonly Load[]
  /** Share of the time that the pipeline's thread was busy; 0 where nobody knows. */
  readonly thread: number
  /** Share of the time that the reader waited for elements. */
  readonly readerWaits: number
}

/** What keeps a pipeline from being faster, and by what factor it could be until this is full. */
export interface Bound {
  /** `cores` is the budget; `ceiling` what a stage uses, such as a server. */
  readonly what: 'lanes' | 'ceiling' | 'reader' | 'thread' | 'cores'
  /** For `lanes` and `ceiling`. */
  readonly stage?: string
  readonly headroom: number
}

/** A server that answers so many a second: all lanes of a stage together. */
export const rateOf = ({ occupied, serviceMs }: Load): number =>
  serviceMs === 0 ? 0 : (1000 * occupied) / serviceMs

/**
 * What bounds the pipeline, the tightest first. All stages of a pipeline run at speeds in fixed proportion, so one
 * factor describes all of them (operational analysis, as in Plumber): a stage with 16 lanes of which 4 are at work
 * could be 4 times as fast. `lanes` answers what would be with other numbers of them.
 */
export function boundsOf(
  { loads, thread, readerWaits }: Stretch,
  cores: number,
  lanes: (load: Load) => number = (load) => load.lanes,
): readonly Bound[] {
  const workers = loads.filter(({ unit }) => unit === 'workers')
  const computing = workers.reduce((sum, { occupied }) => sum + occupied, thread)
  const bounds: Bound[] = [
    { what: 'reader', headroom: over(1, 1 - readerWaits) },
    { what: 'thread', headroom: over(1, thread) },
    ...(workers.length === 0 ? [] : [{ what: 'cores', headroom: over(cores, computing) } as const]),
  ]
  for (const load of loads) {
    const { stage, occupied, ceiling } = load
    // First: where both are reached, lanes are not what it lacks.
    if (ceiling !== undefined) {
      bounds.push({ what: 'ceiling', stage, headroom: over(ceiling, rateOf(load)) })
    }
    bounds.push({ what: 'lanes', stage, headroom: over(lanes(load), occupied) })
  }
  return bounds.toSorted((a, b) => a.headroom - b.headroom)
}

/** The factor by which the pipeline would be faster with other numbers of lanes. */
export function gainOf(stretch: Stretch, cores: number, lanes: (load: Load) => number): number {
  const now = leastOf(boundsOf(stretch, cores))
  const then = leastOf(boundsOf(stretch, cores, lanes))
  return now === Infinity ? 1 : then / now
}

/**
 * The factor by which it would be faster with one more core, and the workers on it where they help most. Undefined
 * without workers: cores are nothing to tune then.
 */
export function gainOfCore(stretch: Stretch, cores: number): number | undefined {
  const workers = stretch.loads.filter(({ unit }) => unit === 'workers')
  if (workers.length === 0) return undefined
  const now = leastOf(boundsOf(stretch, cores))
  const gains = workers.map((chosen) => {
    const lanes = (load: Load): number => load.lanes + (load === chosen ? 1 : 0)
    return leastOf(boundsOf(stretch, cores + 1, lanes)) / now
  })
  return Math.max(1, ...gains)
}

function leastOf(bounds: readonly Bound[]): number {
  return bounds[0]?.headroom ?? Infinity
}

function over(most: number, used: number): number {
  return used <= 0 ? Infinity : Math.max(1, most / used)
}
