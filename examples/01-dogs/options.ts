import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { UsageError } from 'millstream'
import { maxRounds } from './recipe.ts'

/** What `npm start` was asked to do. */
export interface Options {
  /** Folder of one's own photos; undefined trains on the dogs. */
  readonly data: string | undefined
  /** Side in pixels of the square photos that the model sees. */
  readonly size: number
  readonly seed: number
  /** Undefined: by the number of photos. */
  readonly epochs: number | undefined
  readonly batch: number | undefined
  /** Accuracy from which a model is accepted. */
  readonly threshold: number
  /** How often training may be tried, with other parameters each time. */
  readonly rounds: number
  readonly out: string
  readonly cache: string
  /** Threads of the training engine. */
  readonly threads: number
  readonly help: boolean
}

export const help = `Trains a classifier of photos and writes a report.

  npm start                          10,000 real photos: dog or not
  npm start -- --data DIR            your own: a folder of photos for each class

Flags
  --data DIR       JPEG, PNG or WebP in DIR/CLASS/..., or in DIR/train/CLASS/... and DIR/test/CLASS/...
                   without train and test, a fifth of each class is kept for the test
  --size N         side of the photos as the model sees them, 32 to 224 (default 32)
  --seed N         for the split, the order, the augmentation and the first weights (default 1)
  --epochs N       passes over the photos in the first round (default 12, more for few photos)
  --batch N        photos in a training step (default 64, fewer for few photos)
  --threshold N    accuracy from 0 to 1 from which a model is accepted (default 0.8)
  --rounds N       tries with other parameters, 1 to ${maxRounds} (default 3)
  --threads N      threads of the training engine (default: all cores)
  --out DIR        where model.onnx and report.html go (default result)
  --cache DIR      where downloads are kept (default .cache, or MILLSTREAM_CACHE)
  --help

Exit code: 0 accepted, 1 not accepted or failed, 2 wrong flags, 130 stopped by Ctrl-C.`

const flags = {
  data: { type: 'string' },
  size: { type: 'string', default: '32' },
  seed: { type: 'string', default: '1' },
  epochs: { type: 'string' },
  batch: { type: 'string' },
  threshold: { type: 'string', default: '0.8' },
  rounds: { type: 'string', default: '3' },
  threads: { type: 'string' },
  out: { type: 'string', default: 'result' },
  cache: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/**
 * Reads the command line.
 *
 * @throws UsageError that names the flag and what it takes.
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const values = parse(args)
  return {
    data: values.data === undefined ? undefined : resolve(values.data),
    size: whole('size', values.size, 32, 224),
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1),
    epochs: values.epochs === undefined ? undefined : whole('epochs', values.epochs, 1, 10_000),
    batch: values.batch === undefined ? undefined : whole('batch', values.batch, 2, 4_096),
    threshold: share('threshold', values.threshold),
    rounds: whole('rounds', values.rounds, 1, maxRounds),
    threads: whole('threads', values.threads ?? String(availableParallelism()), 1, 256),
    out: resolve(values.out),
    cache: resolve(values.cache ?? env['MILLSTREAM_CACHE'] ?? '.cache'),
    help: values.help,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true }).values
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`${what.split('. ')[0] ?? what}. See: npm start -- --help`, { cause })
  }
}

function whole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`--${flag} takes a whole number from ${min} to ${max}, not '${text}'`)
  }
  return value
}

function share(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new UsageError(`--${flag} takes a number from 0 to 1, not '${text}'`)
  }
  return value
}
