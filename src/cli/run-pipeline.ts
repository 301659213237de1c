import { basename, dirname, extname, join, resolve } from 'node:path'
import { UsageError } from '../index.ts'
import type { RunOptions } from './arguments.ts'
import type { RunnablePipeline } from './pipeline.ts'
import { reportFor } from './pipeline-report.ts'
import type { Stop } from './stop.ts'

/** `millstream run` of a pipeline with a sink: the exit code. Rejects with what went wrong. */
export async function runPipeline(
  pipeline: RunnablePipeline,
  file: string,
  options: RunOptions,
  stop: Stop,
): Promise<number> {
  const { take, dry: _, json, ...rest } = options
  if (take !== undefined) {
    throw new UsageError(
      '--take of a pipeline with a sink needs --dry; to write some elements only, add .take(n) to it',
    )
  }
  const report = reportFor(json === true, pipeline)
  const state = stateOf(pipeline, file, options)
  try {
    const summary = await pipeline.run({
      ...rest,
      state,
      signal: stop.signal,
      observe: (event) => {
        report.event(event)
      },
    })
    report.done(summary)
    if (summary.deadLetters > 0 && json !== true) {
      process.stderr.write(
        `why they died: millstream dead list ${file}${stateFlag(options.state)}\n`,
      )
    }
    return 0
  } catch (error) {
    report.stopped(stop.code === undefined ? error : undefined)
    // Stopped by a signal: what was under way is committed, and the next run goes on.
    if (stop.code !== undefined && stop.signal.aborted && error === stop.signal.reason) {
      return stop.code
    }
    throw error
  }
}

/** The state folder of a pipeline's runs. */
export function stateOf(
  pipeline: RunnablePipeline,
  file: string,
  { state }: { readonly state?: string },
): string {
  return state ?? pipeline.options.state ?? defaultState(file)
}

function stateFlag(state: string | undefined): string {
  return state === undefined ? '' : ` --state ${state}`
}

/** `.millstream/embed` beside `embed.ts`. */
export function defaultState(file: string): string {
  const path = resolve(file)
  return join(dirname(path), '.millstream', basename(path, extname(path)))
}
