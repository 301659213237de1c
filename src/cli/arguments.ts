import { parseArgs } from 'node:util'
import { UsageError, messageOf } from '../errors/index.ts'

/** What `millstream run` was asked for. */
export interface RunOptions {
  readonly seed?: number
  readonly epoch?: number
  readonly take?: number
  /** Tell on stderr by lines of JSON. */
  readonly json?: boolean
  /** Print the plan and what was measured, when the run is over. */
  readonly explain?: boolean
}

/** A command line, understood. */
export type Command =
  | { readonly command: 'help' | 'version' }
  | {
      readonly command: 'run' | 'explain'
      readonly file: string
      readonly options: RunOptions
      /** What follows `--`. */
      readonly args: readonly string[]
    }

export const help = `Usage: millstream run FILE [--seed N] [--epoch N] [--take N] [--explain] [--json] [-- ARGS...]
       millstream explain FILE [-- ARGS...]

FILE is a module, TypeScript or JavaScript, no build step. Its default export is
  a Dataset          run writes each element to stdout as one line of JSON;
  or a function      run calls it with { signal, args }; if it returns a Dataset, that is run.
explain prints the plan of the Dataset: its stages, and where each of them runs.

Options
  --seed N     seeds all chance of the run: shuffles, local.random()
  --epoch N    which pass over the data this is, for shuffles that reshuffle
  --take N     stops after N elements
  --explain    when the run is over, prints its plan and what was measured to stderr
  --json       warnings and, at the end, counts and times of all stages: to stderr, a line of JSON each
  --help       this text
  --version    the version of Millstream

Progress goes to stderr. Ctrl-C lets what is under way end; a second one does not wait.
Exit codes: 0 done, 1 the pipeline failed, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.
`

const flags = {
  seed: { type: 'string' },
  epoch: { type: 'string' },
  take: { type: 'string' },
  explain: { type: 'boolean' },
  json: { type: 'boolean' },
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
  if (command === undefined) throw new UsageError('which command? run or explain')
  if (command !== 'run' && command !== 'explain') {
    throw new UsageError(`there is no command ${command}; there are run and explain`)
  }
  if (file === undefined) throw new UsageError(`${command} what? Name the file of a pipeline`)
  if (surplus !== undefined) {
    throw new UsageError(`${surplus} is one argument too many; arguments of the pipeline follow --`)
  }
  const options = runOptions(values)
  if (command === 'explain' && Object.keys(options).length > 0) {
    throw new UsageError('--seed, --epoch, --take, --explain and --json belong to run')
  }
  return { command, file, options, args: end < 0 ? [] : argv.slice(end + 1) }
}

interface Parsed {
  readonly values: {
    readonly seed?: string
    readonly epoch?: string
    readonly take?: string
    readonly explain?: boolean
    readonly json?: boolean
    readonly help?: boolean
    readonly version?: boolean
  }
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

function runOptions(values: Parsed['values']): RunOptions {
  return {
    ...(values.explain === true && { explain: true }),
    ...(values.json === true && { json: true }),
    ...(values.seed !== undefined && {
      seed: wholeNumber('--seed', values.seed, Number.MIN_SAFE_INTEGER),
    }),
    ...(values.epoch !== undefined && { epoch: wholeNumber('--epoch', values.epoch, 0) }),
    ...(values.take !== undefined && { take: wholeNumber('--take', values.take, 0) }),
  }
}

function wholeNumber(flag: string, text: string, least: number): number {
  const n = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(n) || n < least) {
    throw new UsageError(`${flag} takes a whole number${least === 0 ? ' from 0' : ''}, not ${text}`)
  }
  return n
}
