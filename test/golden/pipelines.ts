/** Golden cases of pipelines: builds the dataset a case describes, runs it, compares with what tf.data did. */
import { Dataset } from '../../src/index.ts'
import {
  DataError,
  InvalidArgumentError,
  MillstreamError,
  StageError,
} from '../../src/errors/index.ts'
import { Column, isRecord, isTuple } from '../../src/tensor/index.ts'
import { Refused } from './numbers.ts'
import { failed, type Outcome, passed, skipped, Unsupported } from './outcome.ts'
import { build, named, type Pipeline, type Step } from './pipelines-build.ts'
import { functions, UserFailure } from './pipelines-functions.ts'
import { checkSample, checkShuffle, type Sample, type Shuffle } from './pipelines-random.ts'
import { agrees, decode, encode } from './values.ts'

interface PipelineCase extends Pipeline {
  readonly limit?: number
  readonly optional?: boolean
  readonly expect: Expected
}

interface Expected {
  readonly elements?: readonly unknown[]
  readonly prefix?: readonly unknown[]
  readonly value?: unknown
  readonly cardinality?: number | 'INFINITE' | 'UNKNOWN'
  readonly error?: string
  readonly before?: readonly unknown[]
  readonly shuffle?: Shuffle
  readonly sample?: Sample
  readonly mustAnswer?: boolean
}

/** What one run gave: its elements, what stopped it early, the value of a final reduce. */
interface Run {
  readonly elements: readonly unknown[]
  readonly cardinality?: number | undefined
  readonly error?: unknown
  readonly value?: unknown
}

/** Runs one case of `pipelines/*.json`. */
export async function runPipelineCase(testCase: unknown): Promise<Outcome> {
  const input = testCase as PipelineCase
  const outcome = await outcomeOf(input)
  const other = outcome.status === 'failed' && input.optional === true
  return other ? skipped("optional: another answer than the peer's") : outcome
}

async function outcomeOf(input: PipelineCase): Promise<Outcome> {
  try {
    return await judge(input)
  } catch (error) {
    if (error instanceof Unsupported) return skipped(error.message)
    return failed(input.expect, describeError(error))
  }
}

async function judge(input: PipelineCase): Promise<Outcome> {
  const { expect } = input
  if (expect.mustAnswer === true) return mustAnswer(await run(input))
  if (expect.error !== undefined) return checkError(expect, await run(input))
  if (expect.shuffle !== undefined) return checkShuffle(expect.shuffle, () => build(input))
  if (expect.sample !== undefined) return checkSample(expect.sample, build(input))
  if ('value' in expect) return checkValue(expect, await run(input))
  return checkElements(input)
}

/** Runs to the end, twice: datasets can be read as often as one likes. */
async function checkElements(input: PipelineCase): Promise<Outcome> {
  const { expect, limit } = input
  const wanted = expect.elements ?? expect.prefix
  if (wanted === undefined) return skipped(`expectation ${Object.keys(expect).join(', ')}`)
  const ds = build(input)
  const most = expect.prefix === undefined ? wanted.length + 50 : limit
  for (let times = 0; times < 2; times++) {
    const { elements, error } = await read(ds, most)
    if (error !== undefined || !agrees(wanted, elements)) {
      return failed(wanted, error === undefined ? elements : withError(elements, error))
    }
  }
  return checkCardinality(expect, ds.cardinality())
}

function checkCardinality({ cardinality, elements }: Expected, got: number | undefined): Outcome {
  const wanted = cardinality === 'INFINITE' ? Number.POSITIVE_INFINITY : cardinality
  if (typeof wanted === 'number' && got !== wanted) {
    return failed(`cardinality ${wanted}`, `cardinality ${got ?? 'unknown'}`)
  }
  // Knowing better than the peer is fine as long as it is true.
  if (got !== undefined && elements !== undefined && got !== elements.length) {
    return failed(`cardinality unknown or ${elements.length}`, `cardinality ${got}`)
  }
  return passed
}

function checkValue({ value }: Expected, got: Run): Outcome {
  if (got.error !== undefined) return failed({ value }, describeError(got.error))
  return agrees(value, got.value) ? passed : failed({ value }, { value: got.value })
}

function checkError(expect: Expected, { elements, error, value }: Run): Outcome {
  const { before = [], error: kind } = expect
  if (error === undefined) return failed(expect, value === undefined ? elements : { value })
  const wanted = kind === 'userFunction' ? kind : 'refusal'
  if (kindOf(error) === wanted && agrees(before, elements)) return passed
  return failed(expect, withError(elements, error))
}

function mustAnswer({ error }: Run): Outcome {
  const typed = error === undefined || error instanceof MillstreamError || error instanceof Refused
  return typed ? passed : failed('any result or a typed error', describeError(error))
}

/** A refusal is the library's, or that of a golden function which TypeScript would not let in. */
function kindOf(error: unknown): 'userFunction' | 'refusal' | 'other' {
  const cause = error instanceof StageError ? error.cause : error
  if (cause instanceof UserFailure) return error instanceof StageError ? 'userFunction' : 'other'
  const refused = [InvalidArgumentError, DataError, Refused].some((kind) => cause instanceof kind)
  return refused ? 'refusal' : 'other'
}

/** Builds and runs once, keeping what was delivered before an error. */
async function run({ source, ops = [] }: PipelineCase): Promise<Run> {
  const last = ops.at(-1)
  try {
    if (last?.op === 'reduce') return await fold(build({ source, ops: ops.slice(0, -1) }), last)
    return await read(build({ source, ops }))
  } catch (error) {
    if (error instanceof Unsupported) throw error
    return { elements: [], error }
  }
}

async function fold(ds: Dataset<unknown>, { args = {} }: Step): Promise<Run> {
  const fn = named(functions.folds, 'function', args['fn'])
  return { elements: [], value: encode(await ds.reduce(decode(args['init']), fn)) }
}

async function read(ds: Dataset<unknown>, limit = Number.POSITIVE_INFINITY): Promise<Run> {
  const elements: unknown[] = []
  try {
    for await (const x of ds) {
      elements.push(encode(await listed(x)))
      if (elements.length >= limit) break
    }
  } catch (error) {
    return { elements, error }
  }
  return { elements }
}

/** Windows within a value, listed. */
async function listed(value: unknown): Promise<unknown> {
  if (value instanceof Dataset)
    return Column.copy(await Promise.all((await value.toArray()).map(listed)))
  if (isTuple(value)) return Promise.all(value.map(listed))
  if (!isRecord(value)) return value
  const members = Object.entries(value).map(async ([name, member]) => [name, await listed(member)])
  return Object.fromEntries((await Promise.all(members)) as [string, unknown][])
}

function withError(elements: readonly unknown[], error: unknown): string {
  return `${JSON.stringify(elements)}, then ${describeError(error)}`
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error instanceof MillstreamError ? '' : `\n${error.stack ?? ''}`
  return `${error.name}: ${error.message}${own}`
}
