import type { RunEvent } from '../trace/index.ts'
import { escapeHtml } from './html.ts'
import { px, timeAxis } from './scale.ts'

/** A stretch of work, in milliseconds. */
export interface Slice {
  readonly start: number
  readonly end: number
}

/** One row of a timeline: what one worker did, and when. */
export interface Lane {
  readonly name: string
  readonly slices: readonly Slice[]
  /** Which of the page's six colours, from 1. Default: by position. */
  readonly color?: number
}

/**
 * Sorts a run's slices into lanes. `nameOf` gives the lane of a slice, or undefined to leave it out;
 * lanes come in the order of their first slice.
 */
export function lanesOf(
  events: Iterable<RunEvent>,
  nameOf: (event: Extract<RunEvent, { type: 'slice' }>) => string | undefined,
): Lane[] {
  const lanes = new Map<string, Slice[]>()
  for (const event of events) {
    if (event.type !== 'slice') continue
    const name = nameOf(event)
    if (name === undefined) continue
    const slices = lanes.get(name) ?? []
    lanes.set(name, slices)
    slices.push({ start: event.start, end: event.end })
  }
  return [...lanes].map(([name, slices]) => ({ name, slices }))
}

/** What a timeline shows. */
export interface TimelineOptions {
  readonly title: string
  readonly lanes: readonly Lane[]
  /** Start and end of the work, on the clock of the slices, in milliseconds. */
  readonly from: number
  readonly to: number
  /** Milliseconds that the whole width stands for, to compare several. Default: `to - from`. */
  readonly span?: number
}

const width = 960
const nameWidth = 92
const busyWidth = 92
const laneHeight = 26
const barHeight = 18
const axisHeight = 26

/**
 * Lanes over wall time as an HTML figure with SVG in it: filled where the lane works, pale where it is
 * idle, with its share of busy time at the right.
 */
export function timeline(options: TimelineOptions): string {
  const { title, lanes, from, to, span = to - from } = options
  const inner = width - nameWidth - busyWidth
  const scale = span > 0 ? inner / span : 0
  const height = lanes.length * laneHeight + axisHeight
  const end = px(nameWidth + (to - from) * scale)
  const rows = lanes.map((lane, i) => laneSvg(lane, i, options, scale))
  return `<figure>
<figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">
${timeAxis(nameWidth, span, scale, lanes.length * laneHeight)}
${rows.join('\n')}
<line x1="${end}" x2="${end}" y1="0" y2="${lanes.length * laneHeight}" stroke="var(--ink)" stroke-width="1.5"/>
</svg>
</figure>`
}

function laneSvg(lane: Lane, row: number, options: TimelineOptions, scale: number): string {
  const { from, to } = options
  const y = row * laneHeight
  const bar = y + (laneHeight - barHeight) / 2
  const seen = lane.slices
    .filter(({ start, end }) => end > from && start < to)
    .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end, to) }))
  const busy = joined(seen, 0).reduce((sum, { start, end }) => sum + end - start, 0)
  // Gaps too small to see are drawn over: thousands of slices make a page of megabytes.
  const gap = scale > 0 ? 0.4 / scale : 0
  const shapes = joined(seen, gap).map(({ start, end }) => {
    const x = nameWidth + (start - from) * scale
    return `M${px(x)} ${bar}h${Math.max(0.4, (end - start) * scale).toFixed(1)}v${barHeight}H${px(x)}z`
  })
  const share = to > from ? `${Math.round((100 * busy) / (to - from))} % busy` : ''
  const textY = y + laneHeight / 2
  const fill = `var(--c${(((lane.color ?? row + 1) - 1) % 6) + 1})`
  return (
    `<text class="strong" x="${nameWidth - 10}" y="${textY}" dy="0.32em" text-anchor="end">${escapeHtml(lane.name)}</text>` +
    `<rect class="track" x="${nameWidth}" y="${bar}" width="${px((to - from) * scale)}" height="${barHeight}" rx="3"/>` +
    `<path d="${shapes.join('')}" fill="${fill}"><title>${escapeHtml(`${lane.name}: ${Math.round(busy)} ms, ${share}`)}</title></path>` +
    `<text x="${px(nameWidth + (to - from) * scale + 10)}" y="${textY}" dy="0.32em">${share}</text>`
  )
}

/** Slices in order, those that overlap or lie closer than `gap` made one. */
function joined(slices: readonly Slice[], gap: number): Slice[] {
  const out: Slice[] = []
  for (const slice of slices.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1)
    if (last !== undefined && slice.start - last.end <= gap) {
      out[out.length - 1] = { start: last.start, end: Math.max(last.end, slice.end) }
    } else {
      out.push({ start: slice.start, end: slice.end })
    }
  }
  return out
}
