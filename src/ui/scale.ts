/** Round values that cover `from` to `to` in about `want` steps, for the marks of an axis. */
export function ticks(from: number, to: number, want: number): number[] {
  const span = to - from
  if (!(span > 0)) return [from]
  const step = niceStep(span / want)
  const marks: number[] = []
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + step * 1e-9; k++) {
    // Through decimals, or 3 * 0.1 would be written 0.30000000000000004.
    marks.push(Number((k * step).toPrecision(12)))
  }
  return marks
}

/** 1, 2 or 5 times a power of ten, at least `raw`. */
export function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw))
  const factor = [1, 2, 5].find((f) => f * power >= raw * (1 - 1e-9)) ?? 10
  return factor * power
}

/** A coordinate as short text: SVG needs no more than tenths of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** Marks and lines of `span` milliseconds from `left`, above and below `y`; `scale` in pixels per millisecond. */
export function timeAxis(left: number, span: number, scale: number, y: number): string {
  return ticks(0, span, 8)
    .map((time) => {
      const x = px(left + time * scale)
      const label = span >= 2_000 ? `${time / 1_000} s` : `${time} ms`
      return (
        `<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${y + 4}"/>` +
        `<text x="${x}" y="${y + 20}" text-anchor="middle">${label}</text>`
      )
    })
    .join('')
}
