import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError, inline, threads, type Place, type RunEvent } from 'millstream'
import { jobsOf } from 'millstream/ui'
import { cleaning, sales } from './pipeline.ts'
import { reportPage } from './report.ts'
import { writeSales } from './sales.ts'
import type { Survey } from './stages.ts'
import { surveyOf } from './survey.ts'

/** One run over the table. */
export interface Run {
  readonly seconds: number
  /** Seconds of it until the first row was at work: threads start. */
  readonly starting: number
  readonly start: number
  readonly end: number
  readonly events: readonly RunEvent[]
  readonly stages: ReturnType<typeof cleaning>['stages']
}

/** What came of the job. */
export interface Outcome {
  /** Lines of the table, and sales that are left of them. */
  readonly rowsIn: number
  readonly rowsOut: number
  /** Which line each sale that is left comes from. */
  readonly kept: readonly number[]
  readonly inline: Run
  readonly overlapped: Run
  /** Where the page is. */
  readonly report: string
}

/**
 * Makes a table of `rows` lines, cleans it twice, in one thread and with a worker for each stage, and writes the results
 * and a page of pictures to `folder`.
 *
 * @throws DataError when the two results differ.
 */
export async function cleanTable(rows: number, folder: string): Promise<Outcome> {
  await mkdir(folder, { recursive: true })
  const table = join(folder, 'sales.csv')
  await writeSales(table, rows)
  const survey = await surveyOf(sales(table, inline).kept)
  const [one, other] = [join(folder, 'inline.jsonl'), join(folder, 'clean.jsonl')]
  const inlineRun = await timed(table, one, survey, inline)
  const overlapped = await timed(table, other, survey, threads(1))
  const [expected, text] = [await readFile(one, 'utf8'), await readFile(other, 'utf8')]
  if (text !== expected) throw new DataError(`${one} and ${other} differ`)
  const kept = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { row: number }).row)
  const report = join(folder, 'report.html')
  const outcome: Outcome = {
    rowsIn: rows,
    rowsOut: kept.length,
    kept,
    inline: inlineRun,
    overlapped,
    report,
  }
  await writeFile(report, reportPage(outcome))
  return outcome
}

async function timed(table: string, output: string, survey: Survey, place: Place): Promise<Run> {
  const events: RunEvent[] = []
  const { pipeline, stages } = cleaning(table, output, survey, place)
  const start = performance.now()
  await pipeline.run({ observe: (event) => events.push(event) })
  const end = performance.now()
  const [, first] = stages[0]
  const starting = ((jobsOf(events, first)[0]?.start ?? end) - start) / 1_000
  return { seconds: (end - start) / 1_000, starting, start, end, events, stages }
}
