/** How `explain` writes: plain text of at most 100 columns, the same each time. */

export const WIDTH = 100

/** `1,234,567`; `without end` for Infinity. */
export function count(n: number): string {
  return n === Infinity ? 'without end' : Math.round(n).toLocaleString('en-US')
}

/** Two digits, as an estimate deserves: `1,200` for 1,234. */
export function about(n: number): string {
  return count(n < 100 ? Math.round(n) : Number(n.toPrecision(2)))
}

/** `0.8 MB`: two digits. */
export function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let [value, unit] = [Number(n.toPrecision(2)), 0]
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1]
  const digits = unit > 0 && value < 10 ? 1 : 0
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** `12 %`; small shares keep one digit. */
export function percent(share: number): string {
  const value = share * 100
  return `${value < 1 ? value.toPrecision(1) : Math.round(value)} %`
}

export type Align = 'left' | 'right'

/** Rows in columns; the last column is wrapped under itself. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[] = []): string {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, k) =>
    Math.max(...rows.map((row) => row[k]?.length ?? 0)),
  )
  return rows.map((row) => line(row, widths, align)).join('\n')
}

function line(row: readonly string[], widths: readonly number[], align: readonly Align[]): string {
  const last = row.length - 1
  const before = row
    .slice(0, last)
    .map((cell, k) =>
      align[k] === 'right' ? cell.padStart(widths[k] ?? 0) : cell.padEnd(widths[k] ?? 0),
    )
    .map((cell) => `${cell}  `)
    .join('')
  const indent = `  ${before}`
  const [first = '', ...more] = wrap(row[last] ?? '', Math.max(24, WIDTH - indent.length))
  return [indent + first, ...more.map((text) => ' '.repeat(indent.length) + text)]
    .map((text) => text.trimEnd())
    .join('\n')
}

/** Text in lines of at most `width`, broken at spaces; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let current = ''
  for (const word of text.split(' ').flatMap((long) => pieces(long, width))) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current)
      current = word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, current]
}

function pieces(word: string, width: number): string[] {
  const parts: string[] = []
  for (let at = 0; at === 0 || at < word.length; at += width) parts.push(word.slice(at, at + width))
  return parts
}

/** As many of the last names of a path as fit. */
export function tail(path: string, width: number): string {
  let rest = path
  while (rest.length > width && rest.includes('/')) rest = rest.slice(rest.indexOf('/') + 1)
  return rest.length <= width ? rest : `...${rest.slice(rest.length - width + 3)}`
}

/** The start of a text. */
export function head(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 3)}...`
}
