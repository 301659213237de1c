import { parseArgs } from 'node:util'
import { messageOf, UsageError } from '../index.ts'

/** Commands about many machines, understood. */
export type ClusterCommand =
  | {
      readonly command: 'worker'
      readonly labels: readonly string[]
      readonly threads: number
      readonly project: string | undefined
      /** It ends when its stdin does, so when whoever started it does. */
      readonly untilEof: boolean
    }
  | { readonly command: 'cluster'; readonly action: 'status'; readonly json: boolean }
  | { readonly command: 'cluster'; readonly action: 'cancel' | 'drain'; readonly run: string }
  | {
      readonly command: 'dev'
      readonly workers: number
      /** What `millstream run` is to be called with. */
      readonly run: readonly string[]
    }

/** Machines that `millstream dev` plays. */
const WORKERS = 3

const flags = {
  labels: { type: 'string' },
  threads: { type: 'string' },
  project: { type: 'string' },
  workers: { type: 'string' },
  'until-eof': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

/** Flags that say where the cluster is, and the variables that say it to all that a command starts. */
const places: Readonly<Record<string, string>> = {
  '--nats': 'MILLSTREAM_NATS',
  '--nats-creds': 'MILLSTREAM_NATS_CREDS',
  '--nats-nkey': 'MILLSTREAM_NATS_NKEY',
  '--nats-ca': 'MILLSTREAM_NATS_CA',
  '--tenant': 'MILLSTREAM_TENANT',
}

/** The command line without the flags that say where the cluster is, and what these say. */
export function splitPlace(argv: readonly string[]): {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
} {
  const left: string[] = []
  const env: Record<string, string> = {}
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  for (let k = 0; k < end; k++) {
    const [flag = '', ...inline] = (argv[k] ?? '').split('=')
    const variable = Object.hasOwn(places, flag) ? places[flag] : undefined
    if (variable === undefined) {
      left.push(argv[k] ?? '')
      continue
    }
    const value = inline.length > 0 ? inline.join('=') : argv[++k]
    if (value === undefined || value === '') throw new UsageError(`${flag} takes a value`)
    env[variable] = value
  }
  return { argv: [...left, ...argv.slice(end)], env }
}

/** True of command lines that `clusterCommand` understands. */
export function isClusterCommand(command: string | undefined): boolean {
  return command === 'worker' || command === 'cluster' || command === 'dev'
}

/** @throws UsageError when the words make no sense. */
export function clusterCommand(argv: readonly string[]): ClusterCommand {
  const [command, ...args] = argv
  if (command === 'dev') return dev(args)
  const { values, positionals } = parsed(args)
  if (command === 'worker') {
    refuse(positionals[0], values, ['labels', 'threads', 'project', 'until-eof'])
    const { labels = '', threads = '1', project } = values
    return {
      command,
      labels: labels.split(',').flatMap((label) => label.trim() || []),
      threads: wholeFrom1('--threads', threads),
      project,
      untilEof: values['until-eof'] === true,
    }
  }
  const [action, run, surplus] = positionals
  if (action === 'status') {
    refuse(run, values, ['json'])
    return { command: 'cluster', action, json: values.json === true }
  }
  if (action !== 'cancel' && action !== 'drain') {
    throw new UsageError(
      'cluster what? millstream cluster status, cluster cancel RUN, or cluster drain RUN',
    )
  }
  refuse(surplus, values, [])
  if (run === undefined) {
    throw new UsageError(`cluster ${action} which run? millstream cluster status lists them`)
  }
  return { command: 'cluster', action, run }
}

/** All but `--workers` is for `millstream run`. */
function dev(args: readonly string[]): ClusterCommand {
  const end = args.indexOf('--')
  const own = end < 0 ? args.length : end
  const at = args.findIndex((arg, k) => k < own && /^--workers(=|$)/.test(arg))
  if (at < 0) return { command: 'dev', workers: WORKERS, run: args }
  const [flag = '', inline] = (args[at] ?? '').split('=')
  const workers = wholeFrom1(flag, inline ?? args[at + 1] ?? '')
  const run = [...args.slice(0, at), ...args.slice(at + (inline === undefined ? 2 : 1))]
  return { command: 'dev', workers, run }
}

type Values = Partial<Record<'labels' | 'threads' | 'project' | 'workers', string>> & {
  readonly json?: boolean
  readonly 'until-eof'?: boolean
}

function parsed(args: readonly string[]): {
  readonly values: Values
  readonly positionals: readonly string[]
} {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true })
  } catch (error) {
    const [reason = ''] = messageOf(error).split(/\n|\. To specify/)
    throw new UsageError(reason)
  }
}

function refuse(surplus: string | undefined, values: Values, allowed: readonly string[]): void {
  if (surplus !== undefined) throw new UsageError(`${surplus} is one argument too many`)
  const wrong = Object.keys(values).find((name) => !allowed.includes(name))
  if (wrong !== undefined) throw new UsageError(`--${wrong} does not belong to this command`)
}

function wholeFrom1(flag: string, text: string): number {
  const n = Number(text)
  if (/^\d+$/.test(text) && n >= 1 && n <= 1024) return n
  throw new UsageError(`${flag} takes a whole number from 1 to 1024, not ${text || 'nothing'}`)
}
