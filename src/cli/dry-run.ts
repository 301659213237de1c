import { jsonLine } from '../formats/index.ts'
import { duration } from '../ui/index.ts'
import type { RunOptions } from './arguments.ts'
import { Output } from './output.ts'
import {
  isPipeline,
  type Runnable,
  type RunnablePipeline,
  type RunningPipeline,
} from './pipeline.ts'
import { schemaOf } from './schema.ts'
import { type Stop, unlessStopped } from './stop.ts'

/** Rows shown unless `--take` says otherwise. */
const ROWS = 10
/** Items shown of each array. */
const SHOWN = 12

/** `millstream run --dry`: rows on stdout, their schema on stderr; nothing is written. The exit code. */
export async function dryRun(
  loaded: Runnable | RunnablePipeline,
  options: RunOptions,
  stop: Stop,
): Promise<number> {
  const { take = ROWS, seed, epoch, state } = options
  const dataset = isPipeline(loaded) ? loaded.dataset : loaded
  const iteration = dataset.take(take).iterate({
    signal: stop.signal,
    ...(seed !== undefined && { seed }),
    ...(epoch !== undefined && { epoch }),
    ...(state !== undefined && { state }),
  })
  const start = performance.now()
  const output = new Output(process.stdout, () => {
    stop.abort()
  })
  const rows = (await unlessStopped(printed(iteration, output), stop)) ?? []
  if (output.gone) return stop.code ?? 0
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const total = loaded.cardinality()
  const known = total !== undefined && Number.isFinite(total)
  const where = isPipeline(loaded) ? ` to ${loaded.sink.name}` : ''
  tell(`schema: ${schemaOf(rows)}`)
  tell(`${rows.length}${known ? ` of ${total}` : ''} rows in ${seconds} s; nothing written${where}`)
  const each = secondsEach(iteration, rows.length)
  if (known && each !== undefined) tell(`all of them: about ${duration(each * total)}`)
  return stop.code ?? 0
}

async function printed(iteration: RunningPipeline, output: Output): Promise<readonly unknown[]> {
  const rows: unknown[] = []
  try {
    for await (const row of iteration) {
      rows.push(row)
      await output.line(jsonLine(row, { shown: SHOWN }))
    }
  } finally {
    await output.flush() // also what came before an error
  }
  await output.end()
  return rows
}

/** What a row takes once the pipeline is in its stride: as long as at the slowest stage, whose lanes are all busy. */
function secondsEach(iteration: RunningPipeline, rows: number): number | undefined {
  const stages = iteration.metrics?.() ?? []
  const ms = Math.max(0, ...stages.map(({ busyMs, lanes }) => busyMs / lanes))
  return rows === 0 || ms === 0 ? undefined : ms / 1000 / rows
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
