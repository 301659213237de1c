import type { RunEvent } from '../trace/index.ts'
import { escapeHtml } from './html.ts'
import { px, timeAxis } from './scale.ts'
import type { Slice } from './timeline.ts'

/** A job of a stage's worker: `n` elements from ordinal `first` of those that came to the stage. */
export interface StageJob extends Slice {
  readonly first: number
  readonly n: number
}

/** The jobs of a stage on workers, by its id in the plan (`dataset.plan.id`), in the order of their elements. */
export function jobsOf(events: Iterable<RunEvent>, stage: string): StageJob[] {
  const jobs: StageJob[] = []
  for (const event of events) {
    if (event.type !== 'slice' || event.stage !== stage || event.first === undefined) continue
    const { first, n, start, end } = event
    jobs.push({ first, n, start, end })
  }
  return jobs.toSorted((a, b) => a.first - b.first)
}

/** What happened to one element, and when. */
export interface ElementRow {
  readonly name: string
  /** When each stage worked on it, in the order of `stages`; undefined where it never came. */
  readonly slices: readonly (Slice | undefined)[]
}

/** What a picture of elements shows. */
export interface ElementsOptions {
  readonly title: string
  /** Names of the stages, in the order of the work. */
  readonly stages: readonly string[]
  readonly rows: readonly ElementRow[]
}

const width = 960
const nameWidth = 92
const rightWidth = 24
const rowHeight = 18
const boxHeight = 13
const axisHeight = 26

/**
 * Elements over wall time, as processors are drawn: a row for each element, a box for each stage that worked on it,
 * and a line where it waits in between.
 * An HTML figure with SVG in it; time begins with the first box.
 */
export function elements({ title, stages, rows }: ElementsOptions): string {
  const { start: from, end: to } = stretchOf(rows.flatMap(({ slices }) => slices))
  const scale = to > from ? (width - nameWidth - rightWidth) / (to - from) : 0
  const bottom = rows.length * rowHeight
  const drawn = rows.map((row, i) => rowSvg(row, i, stages, (t) => nameWidth + (t - from) * scale))
  return `<figure>
<figcaption>${escapeHtml(title)}</figcaption>
<ul class="legend">${stages.map(legendItem).join('')}</ul>
<svg viewBox="0 0 ${width} ${bottom + axisHeight}" role="img" aria-label="${escapeHtml(title)}">
${timeAxis(nameWidth, to - from, scale, bottom)}
${drawn.join('\n')}
</svg>
</figure>`
}

/** From the first start to the last end. */
function stretchOf(slices: readonly (Slice | undefined)[]): Slice {
  let [start, end] = [Infinity, -Infinity]
  for (const slice of slices) {
    if (slice === undefined) continue
    start = Math.min(start, slice.start)
    end = Math.max(end, slice.end)
  }
  return end >= start ? { start, end } : { start: 0, end: 0 }
}

function legendItem(stage: string, i: number): string {
  return `<li><i style="background:${colorOf(i)}"></i>${escapeHtml(stage)}</li>`
}

function colorOf(stage: number): string {
  return `var(--c${(stage % 6) + 1})`
}

function rowSvg(
  { name, slices }: ElementRow,
  row: number,
  stages: readonly string[],
  xOf: (time: number) => number,
): string {
  const y = row * rowHeight
  const middle = y + rowHeight / 2
  const boxes = slices.map((slice, i) => {
    if (slice === undefined) return ''
    const [left, right] = [xOf(slice.start), xOf(slice.end)]
    const says = `${name}, ${stages[i] ?? ''}: ${px(slice.end - slice.start)} ms`
    return (
      `<rect x="${px(left)}" y="${y + (rowHeight - boxHeight) / 2}" width="${px(Math.max(1, right - left))}" ` +
      `height="${boxHeight}" rx="2" fill="${colorOf(i)}"><title>${escapeHtml(says)}</title></rect>`
    )
  })
  const { start, end } = stretchOf(slices)
  const waits =
    end > start ? `<path class="grid" d="M${px(xOf(start))} ${middle}H${px(xOf(end))}"/>` : ''
  return (
    `<text x="${nameWidth - 10}" y="${middle}" dy="0.32em" text-anchor="end">${escapeHtml(name)}</text>` +
    `${waits}${boxes.join('')}`
  )
}
