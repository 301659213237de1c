import { parseArgs } from 'node:util'
import { type Duration, messageOf, UsageError } from '../index.ts'
import { type DeadCommand, deadCommand } from './dead-arguments.ts'

/** What `millstream run` was asked for. */
export interface RunOptions {
  readonly seed?: number
  readonly epoch?: number
  readonly take?: number
  /** Print rows and their schema; write nothing. */
  readonly dry?: boolean
  /** Tell on stderr by lines of JSON. */
  readonly json?: boolean
  /** Print the plan and what was measured, when the run is over. */
  readonly explain?: boolean
  /** The rest is about pipelines with a sink. */
  readonly state?: string
  readonly restart?: boolean
  readonly maxTime?: Duration
}

/** A command line, understood. */
export type Command =
  | { readonly command: 'help' | 'version' }
  | DeadCommand
  | {
      readonly command: 'run' | 'explain'
      readonly file: string
      readonly options: RunOptions
      /** What follows `--`. */
      readonly args: readonly string[]
    }

export const help = `Usage: millstream run FILE [OPTIONS] [-- ARGS...]
       millstream explain FILE [-- ARGS...]
       millstream dead list FILE | dead show N FILE | dead retry FILE
       millstream worker --nats URL [--labels gpu,...] [--threads N]
       millstream dev FILE [--workers N] [OPTIONS] [-- ARGS...]
       millstream cluster status | cluster cancel RUN | cluster drain RUN

FILE is a module, TypeScript or JavaScript, no build step. Its default export is
  a Pipeline         dataset.write(sink): run goes on where the last one stopped, however it ended;
  a Dataset          run writes each element to stdout as one line of JSON;
  or a function      run calls it with { signal, args }; if it returns one of these, that is run.
explain prints the plan: its stages, and where each of them runs.
dead is about elements that were given up (onError: 'deadLetter'): it lists them, shows one with its cause, or tries
  them again, and nothing else; what comes out is added to the sink. --state DIR names the folder instead of FILE.
worker serves stages that run on cluster(...), from the project in this folder (or --project DIR), until SIGTERM: then it
  brings what it has to its end. It serves stages whose labels it has, with N threads each.
dev is run, with a NATS server and N workers (3) started on this machine for its time.
cluster tells which runs and workers there are; cancel gives up what is under way, drain brings it to its end first.

Options of run
  --seed N         seeds all chance of the run: shuffles, local.random()
  --epoch N        which pass over the data this is, for shuffles that reshuffle
  --dry            prints the first rows (10, or --take N) and their schema, and writes nothing
  --explain        when the run is over, prints its plan and what was measured to stderr
  --json           what happens, and at the end counts and times of all stages: to stderr, a line of JSON each
of Datasets
  --take N         stops after N elements
of Pipelines
  --state DIR      where the run keeps how far it has come; default .millstream/NAME beside FILE
  --restart        forgets how far it has come, and starts anew
  --max-time TIME  stops after 15m, 2h, ...; the next run goes on there
of runs on many machines, of workers and of cluster
  --nats URL       where the NATS server is: nats://host:4222, tls://host, several with commas; or MILLSTREAM_NATS
  --nats-creds FILE, --nats-nkey FILE, --nats-ca FILE   credentials, the seed of an NKEY, a certificate authority
  --tenant NAME    keeps apart who shares a server
  --help           this text
  --version        the version of Millstream

Progress goes to stderr. Ctrl-C lets what is under way end; a second one does not wait.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a budget is spent, 75 another run is under way, the time
is over or somebody stopped it, 130 Ctrl-C, 143 SIGTERM.
`

const flags = {
  seed: { type: 'string' },
  epoch: { type: 'string' },
  take: { type: 'string' },
  dry: { type: 'boolean' },
  json: { type: 'boolean' },
  explain: { type: 'boolean' },
  state: { type: 'string' },
  restart: { type: 'boolean' },
  'max-time': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/**
 * Reads the arguments behind the program's name.
 *
 * @throws UsageError when they make no sense.
 */
export function parseCommand(argv: readonly string[]): Command {
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const { values, positionals } = parsed(own)
  if (values.help) return { command: 'help' }
  if (values.version) return { command: 'version' }
  const [command, file, surplus] = positionals
  if (command === undefined)
    throw new UsageError('which command? run, explain, dead, worker, dev or cluster')
  if (command === 'dead') {
    const args = end < 0 ? [] : argv.slice(end + 1)
    return deadCommand(positionals.slice(1), optionsOf(values), args)
  }
  if (command !== 'run' && command !== 'explain') {
    throw new UsageError(
      `there is no command ${command}; there are run, explain, dead, worker, dev and cluster`,
    )
  }
  if (file === undefined) throw new UsageError(`${command} what? Name the file of a pipeline`)
  if (surplus !== undefined) {
    throw new UsageError(`${surplus} is one argument too many; arguments of the pipeline follow --`)
  }
  const options = optionsOf(values)
  if (command === 'explain' && Object.keys(options).length > 0) {
    throw new UsageError(`${flagsOf(options).join(', ')} belong to run`)
  }
  return { command, file, options, args: end < 0 ? [] : argv.slice(end + 1) }
}

type Values = { readonly [K in keyof typeof flags]?: FlagValue<(typeof flags)[K]> }
type FlagValue<F> = F extends { readonly type: 'boolean' } ? boolean : string

interface Parsed {
  readonly values: Values
  readonly positionals: readonly string[]
}

function parsed(args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true })
  } catch (error) {
    // Node's text goes on with advice about `--` that does not fit here.
    const [reason = ''] = messageOf(error).split(/\n|\. To specify/)
    throw new UsageError(reason)
  }
}

function optionsOf(values: Values): RunOptions {
  const { seed, epoch, take, dry, json, explain, state, restart } = values
  const maxTime = values['max-time']
  return {
    ...(seed !== undefined && { seed: wholeNumber('--seed', seed, Number.MIN_SAFE_INTEGER) }),
    ...(epoch !== undefined && { epoch: wholeNumber('--epoch', epoch, 0) }),
    ...(take !== undefined && { take: wholeNumber('--take', take, 0) }),
    ...(dry !== undefined && { dry }),
    ...(json !== undefined && { json }),
    ...(explain !== undefined && { explain }),
    ...(state !== undefined && { state: nonEmpty('--state', state) }),
    ...(restart !== undefined && { restart }),
    ...(maxTime !== undefined && { maxTime: duration('--max-time', maxTime) }),
  }
}

/** The options as they are written on the command line. */
export function flagsOf(options: RunOptions): readonly string[] {
  return Object.keys(options).map((name) => (name === 'maxTime' ? '--max-time' : `--${name}`))
}

function nonEmpty(flag: string, text: string): string {
  if (text === '') throw new UsageError(`${flag} takes a folder`)
  return text
}

function duration(flag: string, text: string): Duration {
  if (/^\d+(\.\d+)?(ms|s|m|min|h|d)$/.test(text) && Number.parseFloat(text) > 0)
    return text as Duration
  throw new UsageError(`${flag} takes a time such as 90s, 15m or 2h, not ${text}`)
}

function wholeNumber(flag: string, text: string, least: number): number {
  const n = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(n) || n < least) {
    throw new UsageError(`${flag} takes a whole number${least === 0 ? ' from 0' : ''}, not ${text}`)
  }
  return n
}
