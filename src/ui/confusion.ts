import { escapeHtml } from './html.ts'

/** What a model made of photos whose classes are known. */
export interface ConfusionOptions {
  /** Names, in the order of rows and columns. */
  readonly classes: readonly string[]
  /** `confusion[actual][predicted]`: counts. */
  readonly confusion: readonly (readonly number[])[]
}

/** A confusion matrix as an HTML table: rows are what a photo is, columns what the model took it for. */
export function confusionTable({ classes, confusion }: ConfusionOptions): string {
  const head = classes.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const rows = classes.map((name, i) => {
    const row = confusion[i] ?? []
    const total = row.reduce((sum, n) => sum + n, 0)
    const cells = classes.map((_, j) => cell(row[j] ?? 0, total, i === j)).join('')
    return `<tr><th scope="row">${escapeHtml(name)}</th>${cells}</tr>`
  })
  return `<div class="scroll"><table class="confusion">
<thead><tr><th class="text">is \\ taken for</th>${head}</tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div>`
}

/** Right ones in blue, mix-ups in orange, the stronger the larger their share of the row. */
function cell(count: number, total: number, right: boolean): string {
  const share = total === 0 ? 0 : count / total
  const percent = Math.round(share * 70)
  const color = right ? 'var(--c1)' : 'var(--c2)'
  const style = `background:color-mix(in srgb, ${color} ${percent}%, var(--track))`
  const text = total === 0 ? '' : `${(100 * share).toFixed(1)} %`
  return `<td style="${style}"><b>${count}</b><span>${text}</span></td>`
}
