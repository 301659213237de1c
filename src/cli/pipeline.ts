import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type ProgramContext,
  type RetrySummary,
  type RunEvent,
  type RunSummary,
  type SinkRunOptions,
  type StageMetrics,
  UsageError,
} from '../index.ts'
import { loadProgram } from '../stage/index.ts'

/**
 * What the commands need of a Dataset. Told by its methods: the pipeline's file may import another copy of
 * the library than the one this command belongs to.
 */
export interface Runnable {
  iterate(options: {
    readonly seed?: number
    readonly epoch?: number
    /** Where runs of the pipeline keep their state: read, to show what would be written. */
    readonly state?: string
    readonly signal: AbortSignal
    readonly observe?: (event: RunEvent) => void
  }): RunningPipeline
  take(n: number): Runnable
  cardinality(): number | undefined
  explain(): string
}

/** A pipeline while it runs. Of another version of the library it may tell nothing about itself. */
export interface RunningPipeline extends AsyncIterable<unknown> {
  readonly skipped?: number
  metrics?(): readonly StageMetrics[]
  slowest?(): string | undefined
  explain?(): string
}

/** What the commands need of a Pipeline: a dataset with a sink. */
export interface RunnablePipeline {
  readonly dataset: Runnable
  readonly sink: { readonly name: string }
  /** Options that its file gave. */
  readonly options: { readonly state?: string }
  run(options: SinkRunOptions): Promise<RunSummary>
  retryDead(options: {
    readonly state: string
    readonly signal: AbortSignal
  }): Promise<RetrySummary>
  cardinality(): number | undefined
  explain(): string
}

/**
 * Imports FILE; a function it exports is called. Undefined when that returned no Dataset.
 *
 * @throws UsageError when there is no such file, or its default export is neither Dataset nor function.
 */
export async function loadPipeline(
  file: string,
  context: ProgramContext,
): Promise<Runnable | RunnablePipeline | undefined> {
  const path = resolve(file)
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new UsageError(`there is no file ${file} in ${process.cwd()}: check the path`)
  }
  const exported = (await loadProgram(pathToFileURL(path).href))['default']
  if (isRunnable(exported) || isPipeline(exported)) return exported
  if (typeof exported !== 'function') throw notAPipeline(file, exported)
  const result: unknown = await (exported as (context: ProgramContext) => unknown)(context)
  return isRunnable(result) || isPipeline(result) ? result : undefined
}

function isRunnable(value: unknown): value is Runnable {
  return hasMethods(value, ['iterate', 'take', 'cardinality', 'explain'])
}

/** Whether it has a sink. */
export function isPipeline(value: unknown): value is RunnablePipeline {
  return hasMethods(value, ['run', 'cardinality', 'explain']) && 'sink' in value
}

function hasMethods(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false
  const methods = value as { readonly [key: string]: unknown }
  return names.every((name) => typeof methods[name] === 'function')
}

function notAPipeline(file: string, exported: unknown): UsageError {
  const found =
    exported === undefined
      ? 'has no default export'
      : `exports by default ${exported === null ? 'null' : `a value of type ${typeof exported}`}`
  return new UsageError(
    `${file} ${found}. Write: export default dataset.write(to.jsonl('out.jsonl')), or: export default dataset, or: export default async ({ signal, args }) => { ... }`,
  )
}
