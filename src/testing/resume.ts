import { isDeepStrictEqual } from 'node:util'
import type { Checkpoint, Dataset, IterateOptions } from '../index.ts'

/** How a run is cut up; none of it may change what comes out. */
export type RunShape = Pick<IterateOptions, 'chunk' | 'codegen' | 'optimize'>

/** What a check of resuming did. */
export interface ResumeReport {
  readonly elements: number
  readonly cuts: number
  /** Runs resumed, those from resumed runs included. */
  readonly resumes: number
  /** Bytes of the largest checkpoint. */
  readonly largest: number
}

export const SHAPES: readonly RunShape[] = [
  {},
  { chunk: 1 },
  { chunk: 2, codegen: false, optimize: false },
  { chunk: 3 },
  { chunk: 7, codegen: false },
  { chunk: 1000 },
]

/**
 * Cuts a pipeline at each of its first `limit` elements, resumes each checkpoint in another shape, and cuts and
 * resumes that run again: what was delivered before and after must be the uncut run, element by element.
 *
 * @throws Error that shows the first difference.
 */
export async function checkResume<T>(dataset: Dataset<T>, limit = 60): Promise<ResumeReport> {
  const whole = await firstOf(dataset.iterate({ epoch: 0, chunk: 5 }), limit)
  const report = { elements: whole.length, cuts: 0, resumes: 0, largest: 0 }
  for (const shape of [SHAPES[0], SHAPES[2]]) {
    for (const [at, checkpoint] of (
      await checkpoints(dataset, { ...shape, epoch: 0 }, limit)
    ).entries()) {
      report.cuts++
      report.largest = Math.max(report.largest, checkpoint.length)
      report.resumes += await checkOne(dataset, checkpoint, whole, at, limit)
    }
  }
  return report
}

async function checkOne<T>(
  dataset: Dataset<T>,
  checkpoint: string,
  whole: readonly T[],
  at: number,
  limit: number,
): Promise<number> {
  const shape = SHAPES[at % SHAPES.length]
  const rest = dataset.resume(parse(checkpoint), shape)
  const again = Math.floor((limit - at) / 2)
  const first = await takeFrom(rest, again)
  const second = JSON.stringify(rest.checkpoint())
  await rest.close()
  const from = `cut at ${at}, resumed as ${JSON.stringify(shape)}`
  compare(first, whole.slice(at, at + again), from)
  const other = SHAPES[(at + 1) % SHAPES.length]
  const tail = await firstOf(dataset.resume(parse(second), other), limit - at - first.length)
  compare(
    tail,
    whole.slice(at + first.length),
    `${from}, cut after ${first.length} and resumed as ${JSON.stringify(other)}`,
  )
  return 2
}

/** A checkpoint before each element and one behind the last, as text, all taken of one run. */
async function checkpoints<T>(
  dataset: Dataset<T>,
  options: IterateOptions,
  limit: number,
): Promise<readonly string[]> {
  const iteration = dataset.iterate(options)
  const texts = [JSON.stringify(iteration.checkpoint())]
  while (texts.length <= limit && !(await iteration.next()).done) {
    texts.push(JSON.stringify(iteration.checkpoint()))
  }
  await iteration.close()
  return texts
}

/** Reads up to `count` elements and leaves the iteration open. */
export async function takeFrom<T>(iteration: AsyncIterator<T>, count: number): Promise<T[]> {
  const out: T[] = []
  while (out.length < count) {
    const step: IteratorResult<T, unknown> = await iteration.next()
    if (step.done === true) break
    out.push(step.value)
  }
  return out
}

/** Reads up to `count` elements and closes the iteration. */
export async function firstOf<T>(
  iteration: AsyncIterator<T> & { close(): Promise<void> },
  count: number,
): Promise<T[]> {
  const out = await takeFrom(iteration, count)
  await iteration.close()
  return out
}

function compare(got: readonly unknown[], wanted: readonly unknown[], what: string): void {
  if (isDeepStrictEqual(got, wanted)) return
  const at = wanted.findIndex((x, k) => !isDeepStrictEqual(x, got[k]))
  throw new Error(
    `${what}: differs at element ${at < 0 ? wanted.length : at}: ` +
      `wanted ${JSON.stringify(wanted.slice(0, 40))}, got ${JSON.stringify(got.slice(0, 40))}`,
  )
}

const parse = (text: string): Checkpoint => JSON.parse(text) as Checkpoint
