import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RunEvent, StageMetrics } from '../index.ts'
import { UsageError } from '../errors/index.ts'
import { loadProgram } from '../stage/index.ts'

/**
 * What the commands need of a Dataset. Told by its methods: the pipeline's file may import another copy of
 * the library than the one this command belongs to.
 */
export interface Runnable {
  iterate(options: {
    readonly seed?: number
    readonly epoch?: number
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

/** What a pipeline's function gets. */
export interface ProgramContext {
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** What follows `--` on the command line. */
  readonly args: readonly string[]
}

/**
 * Imports FILE; a function it exports is called. Undefined when that returned no Dataset.
 *
 * @throws UsageError when there is no such file, or its default export is neither Dataset nor function.
 */
export async function loadPipeline(
  file: string,
  context: ProgramContext,
): Promise<Runnable | undefined> {
  const path = resolve(file)
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new UsageError(`there is no file ${file}`)
  }
  const exported = (await loadProgram(pathToFileURL(path).href))['default']
  if (isRunnable(exported)) return exported
  if (typeof exported !== 'function') throw notAPipeline(file, exported)
  const result: unknown = await (exported as (context: ProgramContext) => unknown)(context)
  return isRunnable(result) ? result : undefined
}

function isRunnable(value: unknown): value is Runnable {
  if (typeof value !== 'object' || value === null) return false
  const methods = value as { readonly [key: string]: unknown }
  return ['iterate', 'take', 'cardinality', 'explain'].every(
    (name) => typeof methods[name] === 'function',
  )
}

function notAPipeline(file: string, exported: unknown): UsageError {
  const found =
    exported === undefined
      ? 'has no default export'
      : `exports by default ${exported === null ? 'null' : `a value of type ${typeof exported}`}`
  return new UsageError(
    `${file} ${found}. Write: export default dataset, or: export default async ({ signal, args }) => { ... }`,
  )
}
