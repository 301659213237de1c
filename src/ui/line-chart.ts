import { escapeHtml } from './html.ts'
import { niceStep, px, ticks } from './scale.ts'

/** One line of a chart. */
export interface Series {
  readonly name: string
  /** Points from left to right; not-finite values are left out. */
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Thin and pale, for raw values under a smoothed line. */
  readonly faint?: boolean
  /** Which of the page's six colours, from 1. Default: by position. */
  readonly color?: number
}

/** What a chart shows. */
export interface LineChartOptions {
  readonly title: string
  readonly series: readonly Series[]
  readonly xLabel: string
  /** Writes a value of the y axis. Default: as short as it goes. */
  readonly format?: (y: number) => string
  /** Lower and upper end of the y axis. Default: what the points need. */
  readonly yMin?: number
  readonly yMax?: number
  /** A dashed horizontal line. */
  readonly mark?: { readonly y: number; readonly label: string }
}

const width = 560
const height = 280
const left = 44
const right = 16
const top = 12
const bottom = 40

interface Frame {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  readonly xTicks: readonly number[]
  readonly yTicks: readonly number[]
}

/** A line chart as an HTML figure with SVG in it, in the colours of `page`. */
export function lineChart(options: LineChartOptions): string {
  const { title, series, xLabel, format = String, mark } = options
  const frame = frameOf(options)
  const lines = series.map((one, i) => lineSvg(one, one.color ?? i + 1, frame, format))
  return `<figure>
<figcaption>${escapeHtml(title)}</figcaption>
${legend(series)}
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">
${axes(frame, xLabel, format)}
${mark === undefined ? '' : markSvg(mark, frame)}
${lines.join('\n')}
</svg>
</figure>`
}

function frameOf({ series, yMin, yMax, mark }: LineChartOptions): Frame {
  const points = series.flatMap((one) => one.points.filter(isDrawable))
  const xs = points.map(([x]) => x)
  const ys = [...points.map(([, y]) => y), ...(mark === undefined ? [] : [mark.y])]
  const [x0, x1] = spanOf(xs)
  const [low, high] = spanOf(ys)
  const step = niceStep((high - low) / 4)
  const y0 = yMin ?? Math.floor(low / step + 1e-9) * step
  const y1 = yMax ?? Math.ceil(high / step - 1e-9) * step
  return {
    x: (value) => left + ((value - x0) / (x1 - x0)) * (width - left - right),
    y: (value) => top + (1 - (clamp(value, y0, y1) - y0) / (y1 - y0)) * (height - top - bottom),
    xTicks: ticks(x0, x1, 6),
    yTicks: ticks(y0, y1, 5),
  }
}

function isDrawable([x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

/** Smallest and largest, never the same, so that one point or a flat line has a scale too. */
function spanOf(values: readonly number[]): [number, number] {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high) return [0, 1]
  return low === high ? [low - 0.5, high + 0.5] : [low, high]
}

function axes(frame: Frame, xLabel: string, format: (y: number) => string): string {
  const rows = frame.yTicks.map((value) => {
    const y = px(frame.y(value))
    return (
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/>` +
      `<text x="${left - 8}" y="${y}" dy="0.32em" text-anchor="end">${escapeHtml(format(value))}</text>`
    )
  })
  const columns = frame.xTicks.map(
    (value) =>
      `<text x="${px(frame.x(value))}" y="${height - bottom + 18}" text-anchor="middle">${value}</text>`,
  )
  const label = `<text x="${(left + width - right) / 2}" y="${height - 4}" text-anchor="middle">${escapeHtml(xLabel)}</text>`
  return [...rows, ...columns, label].join('\n')
}

function markSvg({ y, label }: { y: number; label: string }, frame: Frame): string {
  const at = px(frame.y(y))
  return (
    `<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="var(--soft)" stroke-dasharray="5 4"/>` +
    `<text x="${left + 6}" y="${at}" dy="-0.4em">${escapeHtml(label)}</text>`
  )
}

function lineSvg(
  series: Series,
  color: number,
  frame: Frame,
  format: (y: number) => string,
): string {
  const points = series.points.filter(isDrawable)
  if (points.length === 0) return ''
  const path = points.map(
    ([x, y], i) => `${i === 0 ? 'M' : 'L'}${px(frame.x(x))} ${px(frame.y(y))}`,
  )
  const stroke = `var(--c${((color - 1) % 6) + 1})`
  const look = series.faint === true ? 'stroke-width="1" opacity="0.35"' : 'stroke-width="2"'
  const line = `<path d="${path.join('')}" fill="none" stroke="${stroke}" ${look} stroke-linejoin="round"/>`
  if (series.faint === true) return line
  const dots = points.length > 60 ? points.slice(-1) : points
  return line + dots.map((point) => dot(series.name, point, stroke, frame, format)).join('')
}

function dot(
  name: string,
  [x, y]: readonly [number, number],
  fill: string,
  frame: Frame,
  format: (y: number) => string,
): string {
  return (
    `<circle cx="${px(frame.x(x))}" cy="${px(frame.y(y))}" r="3" fill="${fill}">` +
    `<title>${escapeHtml(`${name}: ${format(y)} at ${x}`)}</title></circle>`
  )
}

function legend(series: readonly Series[]): string {
  if (series.length < 2) return ''
  const items = series.map((one, i) => {
    const color = `var(--c${(((one.color ?? i + 1) - 1) % 6) + 1})`
    const faint = one.faint === true ? ';opacity:0.5' : ''
    return `<li><i style="background:${color}${faint}"></i>${escapeHtml(one.name)}</li>`
  })
  return `<ul class="legend">${items.join('')}</ul>`
}
