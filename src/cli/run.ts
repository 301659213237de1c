import { jsonLine } from '../formats/index.ts'
import { UsageError } from '../index.ts'
import { Progress } from '../ui/index.ts'
import { flagsOf, type RunOptions } from './arguments.ts'
import { dryRun } from './dry-run.ts'
import { Output } from './output.ts'
import { isPipeline, loadPipeline, type Runnable, type RunningPipeline } from './pipeline.ts'
import { JsonReport, type Report, TextReport } from './report.ts'
import { runPipeline, stateOf } from './run-pipeline.ts'
import { type Stop, unlessStopped } from './stop.ts'

/** Items shown of each array where a person reads along. */
const shownOnTerminal = 12
const lineEvery = 10_000

/** `millstream run`: the exit code. Rejects with what the pipeline threw. */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions,
  stop: Stop,
): Promise<number> {
  const loaded = await unlessStopped(loadPipeline(file, { signal: stop.signal, args }), stop)
  if (loaded) {
    if (options.dry === true) {
      const state = isPipeline(loaded) ? { state: stateOf(loaded, file, options) } : {}
      return dryRun(loaded, { ...options, ...state }, stop)
    }
    return isPipeline(loaded)
      ? runPipeline(loaded, file, options, stop)
      : print(loaded, refuseSinkFlags(options), stop)
  }
  const ignored = flagsOf(options)
  if (ignored.length > 0 && stop.code === undefined) {
    process.stderr.write(`${ignored.join(', ')} had no effect: ${file} gave no Dataset\n`)
  }
  return stop.code ?? 0
}

function refuseSinkFlags(options: RunOptions): RunOptions {
  const { state, restart, maxTime } = options
  const flags = flagsOf({
    ...(state !== undefined && { state }),
    ...(restart !== undefined && { restart }),
    ...(maxTime !== undefined && { maxTime }),
  })
  if (flags.length === 0) return options
  throw new UsageError(
    `${flags.join(', ')} needs a pipeline with a sink: export default dataset.write(to.jsonl('out.jsonl'))`,
  )
}

/** Writes the elements; then how many there were. */
async function print(dataset: Runnable, options: RunOptions, stop: Stop): Promise<number> {
  const start = performance.now()
  const output = new Output(process.stdout, () => {
    stop.abort()
  })
  const report = options.json === true ? new JsonReport() : new TextReport(options.explain === true)
  const iteration = iterate(dataset, options, stop, report)
  const counter = countOnStderr(dataset, options)
  try {
    await unlessStopped(printAll(iteration, output, counter), stop)
  } finally {
    counter.end()
    // Also what came before an error.
    await output.flush()
  }
  await output.end()
  if (!output.gone) {
    const seconds = (performance.now() - start) / 1000
    const stopped = stop.code !== undefined
    report.end({ iteration, elements: counter.count, seconds, stopped })
  }
  return stop.code ?? 0
}

function iterate(
  dataset: Runnable,
  { seed, epoch, take }: RunOptions,
  { signal }: Stop,
  report: Report,
): RunningPipeline {
  return (take === undefined ? dataset : dataset.take(take)).iterate({
    signal,
    observe: (event) => {
      if (event.type === 'warning') report.warn(event)
    },
    ...(seed !== undefined && { seed }),
    ...(epoch !== undefined && { epoch }),
  })
}

async function printAll(
  iteration: RunningPipeline,
  output: Output,
  counter: Counter,
): Promise<void> {
  const shown = process.stdout.isTTY ? { shown: shownOnTerminal } : {}
  for await (const element of iteration) {
    const full = output.line(jsonLine(element, shown))
    if (full) await full
    counter.count++
  }
}

interface Counter {
  count: number
  end(): void
}

/** Shows the count while elements come: in place on a terminal, every ten seconds elsewhere. */
function countOnStderr(dataset: Runnable, { take = Infinity, json }: RunOptions): Counter {
  const known = Math.min(dataset.cardinality() ?? Infinity, take)
  const progress = new Progress({
    label: 'run',
    unit: 'elements',
    interval: lineEvery,
    ...(Number.isFinite(known) && { total: known }),
  })
  // Lines on the same terminal show that it runs, and would be torn by a line redrawn in place; so would JSON.
  const torn = json === true || (process.stdout.isTTY && process.stderr.isTTY)
  const counter = { count: 0, end }
  const timer = setInterval(() => {
    if (!torn) progress.update(counter.count)
  }, 200).unref()
  function end(): void {
    clearInterval(timer)
    if (process.stderr.isTTY && !torn) process.stderr.write('\r\u001B[K')
  }
  return counter
}
