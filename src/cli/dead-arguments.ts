import { UsageError } from '../index.ts'
import { flagsOf, type RunOptions } from './arguments.ts'

/** A `millstream dead` command line, understood. */
export interface DeadCommand {
  readonly command: 'dead'
  readonly action: 'list' | 'show' | 'retry'
  /** Which letter to show, from 1. */
  readonly number?: number
  readonly file?: string
  readonly state?: string
  readonly json: boolean
  /** What follows `--`. */
  readonly args: readonly string[]
}

/** @throws UsageError when the words behind `dead` make no sense. */
export function deadCommand(
  words: readonly string[],
  options: RunOptions,
  args: readonly string[],
): DeadCommand {
  const [action, ...rest] = words
  if (action !== 'list' && action !== 'show' && action !== 'retry') {
    throw new UsageError(
      `dead what? millstream dead list FILE, dead show N FILE, or dead retry FILE${action === undefined ? '' : `, not ${action}`}`,
    )
  }
  const { state, json = false, ...others } = options
  if (Object.keys(others).length > 0) {
    throw new UsageError(`${flagsOf(others).join(', ')} belong to run`)
  }
  const number = action === 'show' ? numberOf(rest.shift()) : undefined
  const [file, surplus] = rest
  if (surplus !== undefined) throw new UsageError(`${surplus} is one argument too many`)
  if (file === undefined && (state === undefined || action === 'retry')) {
    throw new UsageError(
      action === 'retry'
        ? 'dead retry what? Name the file of the pipeline'
        : `dead ${action} of what? Name the file of the pipeline, or its state folder: --state DIR`,
    )
  }
  return {
    command: 'dead',
    action,
    json,
    args,
    ...(number !== undefined && { number }),
    ...(file !== undefined && { file }),
    ...(state !== undefined && { state }),
  }
}

function numberOf(word: string | undefined): number {
  const n = Number(word)
  if (word !== undefined && Number.isSafeInteger(n) && n >= 1) return n
  throw new UsageError('dead show takes the number of a letter, as dead list prints it')
}
