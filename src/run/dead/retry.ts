import { rm } from 'node:fs/promises'
import { DataError } from '../../errors/index.ts'
import type { PlanNode } from '../../plan/node.ts'
import { replaceFile } from '../../storage/durable.ts'
import type { Sink } from '../../stream/sink.ts'
import { takeLock } from '../lock.ts'
import { checkLines, linesOfRun, type Position, type RunState, StateFolder } from '../state.ts'
import { Transfer, type TransferOptions } from '../transfer.ts'
import { type DeadMark, NO_LETTERS, readLetters } from './dead-log.ts'
import { type RetryPlan, retryPlan } from './retry-plan.ts'
import type { StoredLetter } from './stored-letter.ts'

/** What came of trying dead letters again. */
export interface RetrySummary {
  /** Letters that were tried again. */
  readonly retried: number
  /** Elements that came of it, now in the sink. */
  readonly delivered: number
  /** Letters that there still are: those that failed again, or could not be tried. */
  readonly deadLetters: number
  /** Why letters could not be tried, each reason once. */
  readonly stuck: readonly string[]
}

export type RetryOptions = Omit<
  TransferOptions,
  'letters' | 'kept' | 'keptCalls' | 'changes' | 'notes' | 'save' | 'opened' | 'check'
> & {
  readonly state: string
}

/** The dead letters that a state folder holds. @throws DataError when no run has its state there. */
export async function deadLettersIn(state: string): Promise<readonly StoredLetter[]> {
  const folder = StateFolder.at(state)
  const { latest: known } = await folder.load()
  if (known === undefined) throw noRun(state)
  return readLetters(folder.lettersPath(known.retries), markOf(known))
}

/**
 * Tries the dead letters of a finished run again: their elements go through the stage that gave them up and all
 * behind it, and what comes out goes into the sink, behind what is there.
 *
 * It is a run of its own, with its state and letters beside those of the first; both become the first's when it is
 * over. Killed in between, it goes on.
 */
export async function retryDeadLetters<T>(
  root: PlanNode,
  sink: Sink<T>,
  options: RetryOptions,
): Promise<RetrySummary> {
  const folder = StateFolder.at(options.state)
  if ((await folder.load()).latest === undefined) throw noRun(folder.path)
  const lock = await takeLock(folder.path)
  try {
    return await retryLocked(root, sink, folder, options)
  } finally {
    await lock.release()
  }
}

async function retryLocked<T>(
  root: PlanNode,
  sink: Sink<T>,
  folder: StateFolder,
  options: RetryOptions,
): Promise<RetrySummary> {
  const { latest: first } = await folder.load()
  if (first === undefined) throw noRun(folder.path)
  checkLines(first, linesOfRun(root, sink), folder.path)
  if (first.finished === null) {
    throw new DataError(
      `the run in ${folder.path} is not finished; run it to its end, then try its dead letters again`,
    )
  }
  const letters = await readLetters(folder.lettersPath(first.retries), markOf(first))
  const number = (first.retries ?? 0) + 1
  const run = `${first.run}-retry-${number}`
  const plan = retryPlan(root, letters, `retry-${number}`)
  const stuck = [...new Set(plan.stuck.map(({ why }) => why))]
  if (plan.root === undefined) {
    return { retried: 0, delivered: 0, deadLetters: letters.length, stuck }
  }
  const known = await folder.loadRetry(number)
  // What is there may be of a run before, that was started anew since.
  if (known !== undefined && known.run !== run) await sink.discard?.(known.run)
  const begun = known?.run === run ? known : await begin(folder, first, plan, run, number)
  const ended = await transfer(plan.root, plan, sink, begun, folder, number, options)
  await adopt(folder, first, ended, number)
  return {
    retried: letters.length - plan.stuck.length,
    delivered: ended.position?.delivered ?? 0,
    deadLetters: markOf(ended).count,
    stuck,
  }
}

/** Writes down what stays whatever comes, and the state to start from. */
async function begin(
  folder: StateFolder,
  { seed, epoch, lines, inputs, sink }: RunState,
  plan: RetryPlan,
  run: string,
  number: number,
): Promise<RunState> {
  const kept = plan.stuck.map(({ letter }) => `${JSON.stringify(letter)}\n`).join('')
  if (kept !== '') await replaceFile(folder.lettersPath(number), kept)
  const letters: DeadMark = { bytes: Buffer.byteLength(kept), count: plan.stuck.length }
  const state: RunState = {
    v: 1,
    run,
    lines,
    inputs,
    seed,
    epoch,
    position: null,
    sink: null,
    behind: sink,
    finished: null,
    letters,
    retries: number,
  }
  await folder.saveRetry(state, number)
  return state
}

async function transfer<T>(
  root: PlanNode,
  { as }: RetryPlan,
  sink: Sink<T>,
  begun: RunState,
  folder: StateFolder,
  number: number,
  options: RetryOptions,
): Promise<RunState> {
  const work = new Transfer(root, sink, begun, {
    ...options,
    letters: { path: folder.lettersPath(number), as },
    kept: false, // durable commits are often enough
    save: async (next) => {
      await folder.saveRetry(next, number)
    },
    opened: () => undefined,
    check: () => undefined,
  })
  await work.run()
  return work.state
}

/** The sink's content and the letters of the retry are those of the run from here on. */
async function adopt(
  folder: StateFolder,
  first: RunState,
  ended: RunState,
  number: number,
): Promise<void> {
  const [was, is] = [first.position, ended.position]
  const letters = markOf(ended)
  const position: Position = {
    checkpoint: was?.checkpoint ?? null,
    delivered: (was?.delivered ?? 0) + (is?.delivered ?? 0),
    skipped: (was?.skipped ?? 0) + (is?.skipped ?? 0),
    dead: letters.count,
    ended: true,
    letters,
  }
  await folder.save({ ...first, position, sink: ended.sink, retries: number }, 'durable')
  await folder.removeRetry(number)
  await rm(folder.lettersPath(number - 1), { force: true })
}

function markOf({ position, letters }: RunState): DeadMark {
  return position?.letters ?? letters ?? NO_LETTERS
}

function noRun(folder: string): DataError {
  return new DataError(`no run has its state in ${folder}; name its folder: --state DIR`)
}
