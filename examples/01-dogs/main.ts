import { MillstreamError, UsageError } from 'millstream'
import { runJob } from './job.ts'
import { help, readOptions } from './options.ts'
import { summary } from './summary.ts'

const stopped = 130

/** Stops at Ctrl-C or a polite kill: the step under way ends, half-written files go. */
function stopSignal(): AbortSignal {
  const control = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (control.signal.aborted) return
      process.stderr.write('\nstopping after the step under way\n')
      control.abort(new Error(name))
    })
  }
  return control.signal
}

async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options.help) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const outcome = await runJob(options, signal)
  process.stdout.write(`${summary(outcome)}\n`)
  return outcome.accepted ? 0 : 1
}

const signal = stopSignal()
try {
  process.exitCode = await main(signal)
} catch (error) {
  if (signal.aborted) process.exitCode = stopped
  else if (error instanceof MillstreamError) {
    process.stderr.write(`\nerror ${error.code}: ${error.message}\n`)
    process.exitCode = error instanceof UsageError ? 2 : 1
  } else throw error
}
