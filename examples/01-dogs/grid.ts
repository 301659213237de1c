import { basename } from 'node:path'
import { encodePng } from 'millstream/image'
import { escapeHtml } from 'millstream/ui'
import type { Outcome } from './job.ts'
import type { Pixels } from './stages.ts'

const shown = 24

interface Answer {
  readonly photo: Pixels
  readonly predicted: number
  /** Probability of the answer. */
  readonly sure: number
}

/** Two grids of test photos with their answers: wrong ones and right ones. */
export async function photoGrids(outcome: Outcome): Promise<string> {
  const answers = answersOf(outcome)
  const right = answers
    .filter(({ photo, predicted }) => photo.file.label === predicted)
    .toSorted((a, b) => a.sure - b.sure)
  const wrong = answers
    .filter(({ photo, predicted }) => photo.file.label !== predicted)
    .toSorted((a, b) => b.sure - a.sure)
  return `<h3>Wrong (${wrong.length.toLocaleString('en')})</h3>${await grid(wrong.slice(0, shown), outcome)}
<h3>Right (${right.length.toLocaleString('en')})</h3>${await grid(spread(right), outcome)}`
}

function answersOf({ test, testPhotos, classes }: Outcome): Answer[] {
  return testPhotos.map((photo, i) => {
    const row = test.probabilities.subarray(i * classes.length, (i + 1) * classes.length)
    const sure = row.reduce((a, b) => Math.max(a, b), 0)
    return { photo, predicted: row.indexOf(sure), sure }
  })
}

/** Evenly from the first to the last. */
function spread(answers: readonly Answer[]): Answer[] {
  if (answers.length <= shown) return [...answers]
  return Array.from({ length: shown }, (_, i) => {
    return answers[Math.round((i * (answers.length - 1)) / (shown - 1))] as Answer
  })
}

async function grid(answers: readonly Answer[], outcome: Outcome): Promise<string> {
  if (answers.length === 0) return '<p class="note">None.</p>'
  const cells = await Promise.all(answers.map((answer) => cell(answer, outcome)))
  return `<div class="photos">${cells.join('\n')}</div>`
}

async function cell({ photo, predicted, sure }: Answer, outcome: Outcome): Promise<string> {
  const { size } = outcome.options
  const png = await encodePng({ data: photo.data, width: size, height: size, channels: 3 })
  const name = basename(photo.file.name)
  const isRight = predicted === photo.file.label
  const answer = outcome.classes[predicted] ?? ''
  const truth = outcome.classes[photo.file.label] ?? ''
  const tip = `${photo.file.name}: is ${truth}, taken for ${answer} (${(100 * sure).toFixed(1)} %)`
  return `<figure title="${escapeHtml(tip)}">
<img alt="${escapeHtml(tip)}" width="${size}" height="${size}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">
<p class="${isRight ? 'good' : 'bad'}">${isRight ? '✓' : '✗'} ${escapeHtml(answer)} <span>${Math.round(100 * sure)} %</span></p>
<p class="name">${escapeHtml(name)}</p>
</figure>`
}

/** Style of the grids, for the page. */
export const gridCss = `
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: 0.9rem 0.8rem; }
.photos img { width: 100%; height: auto; aspect-ratio: 1; border-radius: 8px; image-rendering: pixelated; display: block; background: var(--track); }
.photos p { margin: 0.2rem 0 0; font-size: 0.82rem; font-weight: 600; line-height: 1.25; }
.photos p span { font-weight: 400; }
.photos .name { margin: 0; font-size: 0.72rem; font-weight: 400; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
`
