import {
  elements,
  escapeHtml,
  jobsOf,
  lanesOf,
  page,
  timeline,
  type ElementRow,
  type Section,
  type StageJob,
} from 'millstream/ui'
import type { Outcome, Run } from './job.ts'

/** Elements in the picture: more are not read. */
const shown = 32

/** The pictures of a run and its figures: one HTML page that needs nothing else. */
export function reportPage(outcome: Outcome): string {
  const { rowsIn, rowsOut, inline, overlapped } = outcome
  const span = Math.max(inline.end - inline.start, overlapped.end - overlapped.start)
  return page({
    title: 'A table, cleaned by three workers',
    lead: 'Repeated sales leave, missing values are filled, numbers are normalized: all three at the same time.',
    facts: [
      { label: 'in one thread', value: `${inline.seconds.toFixed(2)} s` },
      { label: 'overlapped', value: `${overlapped.seconds.toFixed(2)} s` },
      { label: 'of it to start threads', value: `${overlapped.starting.toFixed(2)} s` },
      { label: 'faster', value: `${(inline.seconds / overlapped.seconds).toFixed(2)} ×` },
      { label: 'rows in', value: rowsIn.toLocaleString('en') },
      { label: 'rows out', value: rowsOut.toLocaleString('en') },
      { label: 'results', value: 'equal', good: true },
    ],
    sections: [
      {
        title: 'Rows',
        note:
          'A row of the table in each line, and which stage had it when: read downwards at any time, and you see what the ' +
          'stages do at once. Stages take rows in jobs, so a box lasts as long as its whole job; the rows are the first of ' +
          'successive jobs of dedupe. A line that ends after dedupe was a repeated sale.',
        html: elements({
          title: `${shown} rows at most, from the middle of the run`,
          stages: overlapped.stages.map(([name]) => name),
          rows: rowsOf(outcome),
        }),
      },
      {
        title: 'Workers',
        note: 'The same work in one thread, and with a thread for each stage, on one scale of time.',
        html: `${lanes('In one thread', inline, span)}${lanes('Overlapped', overlapped, span)}`,
      },
      figures(outcome),
    ],
    css: 'figure + figure { margin-top: 1.25rem; }',
  })
}

/** The first rows of successive jobs of the first stage. Behind it rows that were left out are not counted. */
function rowsOf({ kept, overlapped }: Outcome): ElementRow[] {
  const [first = [], ...others] = overlapped.stages.map(([, id]) => jobsOf(overlapped.events, id))
  const ordinals = new Map(kept.map((row, ordinal) => [row, ordinal]))
  const from = Math.max(0, Math.floor((first.length - shown) / 2))
  return first.slice(from, from + shown).map((job) => {
    const ordinal = ordinals.get(job.first)
    const later = others.map((jobs) => (ordinal === undefined ? undefined : jobWith(jobs, ordinal)))
    return { name: `row ${job.first.toLocaleString('en')}`, slices: [job, ...later] }
  })
}

function jobWith(jobs: readonly StageJob[], ordinal: number): StageJob | undefined {
  return jobs.find(({ first, n }) => ordinal >= first && ordinal < first + n)
}

function lanes(title: string, run: Run, span: number): string {
  const names = new Map<string, string>(run.stages.map(([name, id]) => [id, name]))
  const found = lanesOf(run.events, ({ stage }) => names.get(stage))
  return timeline({ title, lanes: found, from: run.start, to: run.end, span })
}

function figures({ inline, overlapped }: Outcome): Section {
  const rows = overlapped.stages.map(([name, id], i) => {
    const [here, there] = [
      jobsOf(inline.events, inline.stages[i]?.[1] ?? ''),
      jobsOf(overlapped.events, id),
    ]
    const cells = [
      there.reduce((sum, { n }) => sum + n, 0).toLocaleString('en'),
      String(there.length),
      `${busyMs(here)} ms`,
      `${busyMs(there)} ms`,
    ]
    return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  })
  return {
    title: 'Figures',
    html:
      '<div class="scroll"><table><thead><tr><th class="text">stage</th><th>rows</th><th>jobs</th>' +
      `<th>at work in one thread</th><th>at work overlapped</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
  }
}

function busyMs(jobs: readonly StageJob[]): string {
  return Math.round(jobs.reduce((sum, { start, end }) => sum + end - start, 0)).toLocaleString('en')
}
