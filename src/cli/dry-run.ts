import { jsonLine } from '../formats/index.ts'
import type { RunOptions } from './arguments.ts'
import { isPipeline, type Runnable, type RunnablePipeline } from './pipeline.ts'
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
  const { take = ROWS, seed, epoch } = options
  const dataset = isPipeline(loaded) ? loaded.dataset : loaded
  const rows: unknown[] = []
  const start = performance.now()
  const iteration = dataset.take(take).iterate({
    signal: stop.signal,
    ...(seed !== undefined && { seed }),
    ...(epoch !== undefined && { epoch }),
  })
  const read = async (): Promise<void> => {
    for await (const row of iteration) {
      rows.push(row)
      process.stdout.write(`${jsonLine(row, { shown: SHOWN })}\n`)
    }
  }
  await unlessStopped(read(), stop)
  const seconds = (performance.now() - start) / 1000
  process.stderr.write(`schema: ${schemaOf(rows)}\n`)
  process.stderr.write(
    `${rows.length} rows in ${seconds.toFixed(1)} s; ${nothingWritten(loaded)}\n`,
  )
  return stop.code ?? 0
}

function nothingWritten(loaded: Runnable | RunnablePipeline): string {
  const total = loaded.cardinality()
  const of = total === undefined || !Number.isFinite(total) ? '' : `of ${total}, `
  return isPipeline(loaded) ? `${of}nothing written to ${loaded.sink.name}` : `${of}nothing written`
}
