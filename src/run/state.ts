import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointMismatchError, codeOf, DataError } from '../errors/index.ts'
import { reasonOf } from '../errors/reason.ts'
import { specOf } from '../operators/table.ts'
import { nodesOf, type PlanNode } from '../plan/node.ts'
import { replaceFile, replaceQuickly } from '../storage/durable.ts'
import type { Json } from '../stream/operator.ts'
import type { Sink } from '../stream/sink.ts'
import { type Checkpoint, linesOf } from './checkpoint.ts'
import type { PassMark, PassPosition } from './changes/pass.ts'
import type { DeadMark } from './dead/dead-log.ts'
import type { CommitKind } from './schedule.ts'

/** How far a run has come: what its sink has committed. */
export interface Position {
  /** Null where the sources cannot be resumed: then there is one commit, at the end. */
  readonly checkpoint: Checkpoint | null
  readonly delivered: number
  readonly skipped: number
  readonly dead: number
  /** True when nothing comes behind it. */
  readonly ended: boolean
  /** The dead letters that were kept by then, where they are kept. */
  readonly letters?: DeadMark
  /** With `onlyChanged`: where its pass is. */
  readonly changes?: PassPosition
}

/** What `onlyChanged` compares with. */
export interface RunChanges {
  /** Number of the pass that this run is; each run makes another one. */
  readonly pass: number
  /** The last pass that was finished before; null when this is the first. */
  readonly base: PassMark | null
  /** This pass, once it is finished. */
  readonly done?: PassMark
}

/** What tells inputs from changed ones, source by source: its line in the plan, and its identity. */
export type Inputs = readonly (readonly [source: string, identity: Json])[]

/** What a run keeps between two processes, in one file that is replaced as a whole. */
export interface RunState {
  readonly v: 1
  /** Names the run; another one when it starts anew. */
  readonly run: string
  /** The plan and the sink, a line each, as they were when the run began. */
  readonly lines: readonly string[]
  /** What its sources read: a hash of a list of files, of an array. */
  readonly inputs: Inputs
  readonly seed: number
  readonly epoch: number
  readonly position: Position | null
  /** What the sink's last commit returned. */
  readonly sink: Json
  /** What the sink's last commit returned to the run whose output this one goes on with. */
  readonly behind?: Json
  /** When it was finished, if it is. */
  readonly finished: string | null
  /** Dead letters that were there when it began. */
  readonly letters?: DeadMark
  /** How often its dead letters were tried again; each time they move to another file. */
  readonly retries?: number
  readonly changes?: RunChanges
}

/** What is kept of a run. */
export interface Kept {
  /** The last that was saved. */
  readonly latest?: RunState
  /** The last that was saved durably: it holds what a disk may lose of the latest. */
  readonly durable?: RunState
}

/**
 * The folder that a run keeps its state in. `state.json` is durable; `latest.json`, written often and without waiting
 * for the disk, is behind it unless the machine lost its power.
 */
export class StateFolder {
  readonly path: string
  readonly #durable: string
  readonly #latest: string

  private constructor(path: string) {
    this.path = path
    this.#durable = join(path, 'state.json')
    this.#latest = join(path, 'latest.json')
  }

  /** Makes the folder where there is none. */
  static async open(path: string): Promise<StateFolder> {
    try {
      await mkdir(path, { recursive: true })
    } catch (cause) {
      throw new DataError(`cannot make the state folder ${path}: ${reasonOf(cause)}`, { cause })
    }
    return new StateFolder(path)
  }

  /** A folder that may not be there. */
  static at(path: string): StateFolder {
    return new StateFolder(path)
  }

  /** What was saved of the run. @throws CheckpointMismatchError when it cannot be read. */
  async load(): Promise<Kept> {
    const durable = await stateIn(this.#durable)
    if (durable === undefined) return {}
    const latest = parsed((await textOf(this.#latest)) ?? '')
    return { durable, latest: latest?.v === 1 && isBehind(latest, durable) ? latest : durable }
  }

  async save(state: RunState, kind: CommitKind): Promise<void> {
    const text = `${JSON.stringify(state)}\n`
    if (kind === 'durable') await replaceFile(this.#durable, text)
    else await replaceQuickly(this.#latest, text)
  }

  /** Forgets what was saved quickly. */
  async removeLatest(): Promise<void> {
    await rm(this.#latest, { force: true })
  }

  /** What was saved of a retry of the run's dead letters; undefined when nothing was. */
  loadRetry(retry: number): Promise<RunState | undefined> {
    return stateIn(this.#retryFile(retry))
  }

  async saveRetry(state: RunState, retry: number): Promise<void> {
    await replaceFile(this.#retryFile(retry), `${JSON.stringify(state)}\n`)
  }

  /** Forgets what a retry of dead letters has saved. */
  async removeRetry(retry: number): Promise<void> {
    await rm(this.#retryFile(retry), { force: true })
  }

  /** The folder of results of calls that may not be committed. */
  get callsPath(): string {
    return join(this.path, 'calls')
  }

  /** Forgets results of calls. */
  async removeCalls(): Promise<void> {
    await rm(this.callsPath, { recursive: true, force: true })
  }

  /** The file of the dead letters, after so many retries. */
  lettersPath(retries = 0): string {
    return join(this.path, `dead-${retries}.jsonl`)
  }

  async removeLetters(retries: number): Promise<void> {
    await rm(this.lettersPath(retries), { force: true })
  }

  #retryFile(retry: number): string {
    return join(this.path, `retry-${retry}.json`)
  }
}

async function stateIn(path: string): Promise<RunState | undefined> {
  const text = await textOf(path)
  if (text === undefined) return undefined
  const state = parsed(text)
  if (state?.v === 1) return state
  throw new CheckpointMismatchError(
    `${path} is no state of a run that this version knows; start anew (--restart)`,
  )
}

function isBehind(latest: RunState, durable: RunState): boolean {
  if (latest.run !== durable.run || durable.finished !== null) return false
  return dealtWith(latest) > dealtWith(durable)
}

function dealtWith({ position }: RunState): number {
  return position === null ? 0 : position.delivered + position.skipped + position.dead
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function parsed(text: string): RunState | undefined {
  try {
    return JSON.parse(text) as RunState
  } catch {
    return undefined // said by the caller
  }
}

/** The plan and the sink, a line each. */
export function linesOfRun(root: PlanNode, sink: Sink<never>): readonly string[] {
  const lines = linesOf(root)
  const nodes = nodesOf(root)
  const changes = nodes.some(({ op }) => op === 'onlyChanged')
  const texts = nodes.map(({ op }, k) => {
    // How much such a source holds is what may change from run to run.
    return changes && isIndexed(op) ? `${op}(...)` : (lines[k]?.text ?? op)
  })
  return [...texts, lineOfSink(sink)]
}

/** True of sources whose number of elements is part of the plan. */
function isIndexed(op: string): boolean {
  const spec = specOf(op)
  return spec.kind === 'source' && spec.indexed !== undefined
}

function lineOfSink(sink: Sink<never>): string {
  const members = Object.entries(sink.structure).map(
    ([name, value]: [string, Json]) => `${name}=${JSON.stringify(value)}`,
  )
  return `write(${members.join(', ')})`
}

/**
 * Refuses to go on with another pipeline's state.
 *
 * @throws CheckpointMismatchError naming what differs, was and is.
 */
export function checkLines(state: RunState, lines: readonly string[], folder: string): void {
  const length = Math.max(state.lines.length, lines.length)
  for (let k = 0; k < length; k++) {
    const [was, is] = [state.lines[k], lines[k]]
    if (was === is) continue
    throw new CheckpointMismatchError(
      `the pipeline is another one than that of the run in ${folder}: it had ${was ?? 'nothing'}, and has ${is ?? 'nothing'} there. ` +
        'Start anew (--restart), or give this one a state folder of its own (--state DIR)',
    )
  }
}

/** @throws CheckpointMismatchError when a source does not read what it did. */
export function checkInputs(state: RunState, inputs: Inputs): void {
  inputs.forEach(([source, is], k) => {
    const was = state.inputs[k]?.[1]
    if (was === undefined || JSON.stringify(was) === JSON.stringify(is)) return
    const since = state.finished === null ? 'it began' : `it was finished at ${state.finished}`
    throw new CheckpointMismatchError(
      `the input of the run has changed since ${since}: ${source}. Start anew (--restart), or restore it`,
    )
  })
}

/** @throws CheckpointMismatchError when a run is to go on with another seed or epoch. */
export function checkChance(
  state: RunState,
  wanted: { readonly seed?: number; readonly epoch?: number },
): void {
  for (const name of ['seed', 'epoch'] as const) {
    const is = wanted[name]
    if (is === undefined || is === state[name]) continue
    throw new CheckpointMismatchError(
      `the run began with ${name} ${state[name]} and cannot go on with ${is}; leave it out, or start anew (--restart)`,
    )
  }
}

/**
 * A run that ended is not done unless everything came out. `expected` is the number of elements, where it is known.
 *
 * @throws DataError when it did not.
 */
export function checkComplete(
  position: Position,
  expected: number | undefined,
  sink: string,
): void {
  if (expected === undefined) return
  const { delivered, skipped, dead } = position
  if (delivered === expected || delivered + skipped + dead === expected) return
  throw new DataError(
    `the run ended with ${delivered} elements delivered, ${skipped} skipped and ${dead} dead letters, ` +
      `which are not the ${expected} that there are: ${sink} is not complete`,
  )
}
