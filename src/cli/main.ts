#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { UsageError } from '../index.ts'
import { help, parseCommand } from './arguments.ts'
import { clusterAbout, worker } from './cluster.ts'
import { clusterCommand, isClusterCommand, splitPlace } from './cluster-arguments.ts'
import { dead } from './dead.ts'
import { explain } from './explain.ts'
import { dev } from './dev.ts'
import { describeFailure, exitCodeOf } from './failure.ts'
import { print } from './output.ts'
import { run } from './run.ts'
import { listenForStop, type Stop } from './stop.ts'

/** Milliseconds that a stopped program gets to end by itself, once its pipeline has. */
const grace = 2_000

async function main(argv: readonly string[]): Promise<number> {
  const stop = listenForStop((signal) => {
    if (signal === 'SIGINT') process.stderr.write('stopping; Ctrl-C again ends it at once\n')
  })
  try {
    const { argv: rest, env } = splitPlace(argv)
    Object.assign(process.env, env) // FILE may import another copy of the library
    return await (isClusterCommand(rest[0]) ? many(rest, stop) : dispatch(rest, stop))
  } catch (error) {
    process.stderr.write(describeFailure(error))
    return stop.code ?? exitCodeOf(error)
  } finally {
    stop.release()
  }
}

async function dispatch(argv: readonly string[], stop: Stop): Promise<number> {
  const command = parseCommand(argv)
  switch (command.command) {
    case 'help':
      await print(help.trimEnd())
      return 0
    case 'version':
      await print(version())
      return 0
    case 'run':
      return run(command.file, command.args, command.options, stop)
    case 'dead':
      return dead(command, stop)
    case 'explain':
      return explain(command.file, command.args, stop)
  }
}

/** Commands about many machines. */
async function many(argv: readonly string[], stop: Stop): Promise<number> {
  const command = clusterCommand(argv)
  if (command.command === 'worker') return worker(command, stop)
  if (command.command === 'cluster') return clusterAbout(command)
  const own = ['run', ...command.run]
  const parsed = parseCommand(own)
  if (parsed.command !== 'run') throw new UsageError('dev takes a FILE and the options of run')
  return dev(command.workers, parsed.file, () => dispatch(own, stop))
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}

const code = await main(process.argv.slice(2))
process.exitCode = code
// The user's module may hold the process, by a connection for example; who stopped it does not wait for that.
if (code > 128) setTimeout(() => process.exit(code), grace).unref()
