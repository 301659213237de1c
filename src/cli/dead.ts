import { inspect } from 'node:util'
import { jsonLine } from '../formats/index.ts'
import {
  deadLettersIn,
  redact,
  type RetrySummary,
  type StoredLetter,
  UsageError,
} from '../index.ts'
import type { DeadCommand } from './dead-arguments.ts'
import { print } from './output.ts'
import { isPipeline, loadPipeline, type RunnablePipeline } from './pipeline.ts'
import { defaultState } from './run-pipeline.ts'
import type { Stop } from './stop.ts'

/** Characters of an element in the list. */
const WIDTH = 100

/** `millstream dead`: the exit code. */
export async function dead(command: DeadCommand, stop: Stop): Promise<number> {
  const { action, file, args } = command
  const pipeline = file === undefined ? undefined : await pipelineOf(file, args, stop)
  const state = command.state ?? pipeline?.options.state ?? defaultState(file ?? '')
  if (action === 'retry') return retry(pipeline, state, command, stop)
  const letters = await deadLettersIn(state)
  if (action === 'list') return list(letters, command.json)
  return show(letters, command.number ?? 1, command.json)
}

async function pipelineOf(
  file: string,
  args: readonly string[],
  { signal }: Stop,
): Promise<RunnablePipeline> {
  const loaded = await loadPipeline(file, { signal, args })
  if (loaded !== undefined && isPipeline(loaded)) return loaded
  throw new UsageError(
    `${file} has no pipeline with a sink, and so no dead letters: export default dataset.write(to.jsonl('out.jsonl'))`,
  )
}

async function list(letters: readonly StoredLetter[], json: boolean): Promise<number> {
  if (json) await tell(letters.map((letter) => JSON.stringify(letter)))
  else if (letters.length === 0) await tell(['no dead letters'])
  else await tell(letters.flatMap((letter, k) => lines(letter, k + 1)))
  return 0
}

/** Two lines: which element and where; and why. */
function lines(letter: StoredLetter, n: number): string[] {
  const { stage, at, index, source, attempts, element, error } = letter
  const place = at === undefined ? '' : ` (${at})`
  const says = source !== undefined && !source.endsWith(`[${index}]`)
  const from = says ? ` (${source})` : ''
  const calls = `${attempts} attempt${attempts === 1 ? '' : 's'}`
  const text = jsonLine(element, { shown: 4 })
  const shown = text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text
  const [message = ''] = error.message.split('\n')
  // `fetch failed` says nothing; what caused it does.
  const [cause = ''] = error.causes?.at(-1)?.split('\n') ?? []
  return [
    `${n}  ${keyOf(element) ?? `element ${index}`}${from}  ${stage}${place}  ${calls}  ${shown}`,
    `   ${error.name}: ${message}${cause === '' || message.includes(cause) ? '' : ` (${cause})`}`,
  ]
}

/** What people call an element by, if it is a record that says so. */
function keyOf(element: unknown): string | undefined {
  if (typeof element !== 'object' || element === null) return undefined
  const { key, id } = element as { readonly key?: unknown; readonly id?: unknown }
  const name = key ?? id
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined
}

async function show(
  letters: readonly StoredLetter[],
  number: number,
  json: boolean,
): Promise<number> {
  const letter = letters[number - 1]
  if (letter === undefined) {
    throw new UsageError(`there is no letter ${number}; there are ${letters.length}`)
  }
  if (json) {
    await tell([JSON.stringify(letter)])
    return 0
  }
  const { stage, at, index, source, attempts, time, element, error, lost } = letter
  await tell([
    `stage     ${stage}${at === undefined ? '' : ` (${at})`}`,
    `element   ${index}`,
    ...(source === undefined ? [] : [`source    ${source}`]),
    `attempts  ${attempts}, the last one at ${time}`,
    ...(lost === undefined ? [] : [`lost      the element could not be kept: ${lost}`]),
    `cause     ${error.stack ?? `${error.name}: ${error.message}`}`,
    ...(error.causes ?? []).map((cause) => `caused by ${cause}`),
    inspect(element, { depth: 8, maxArrayLength: 20 }),
  ])
  return 0
}

async function retry(
  pipeline: RunnablePipeline | undefined,
  state: string,
  { json }: DeadCommand,
  stop: Stop,
): Promise<number> {
  if (pipeline === undefined) throw new UsageError('dead retry needs the file of the pipeline')
  const { signal } = stop
  try {
    const summary = await pipeline.retryDead({ state, signal })
    process.stderr.write(`${json ? JSON.stringify(summary) : told(summary, pipeline.sink.name)}\n`)
    return stop.code ?? 0
  } catch (error) {
    // What came of it so far is committed, and the next retry goes on.
    if (stop.code !== undefined && error === signal.reason) return stop.code
    throw error
  }
}

function told({ retried, delivered, deadLetters, stuck }: RetrySummary, sink: string): string {
  return [
    `${retried} dead letters tried again: ${delivered} elements more in ${sink}, ${deadLetters} dead letters left`,
    ...stuck.map((why) => `not tried: ${why}`),
  ].join('\n')
}

async function tell(texts: readonly string[]): Promise<void> {
  await print(...texts.map(redact))
}
