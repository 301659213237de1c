import type { Checkpoint, Dataset } from '../index.ts'
import { firstOf, type ResumeReport, type RunShape, SHAPES, takeFrom } from './resume.ts'

/**
 * The same as `checkResume` for a pipeline whose order is free, such as one that ends with
 * `map(fn, { deterministic: false })`: wherever it is cut, what was delivered before, after, and after a second cut
 * must be all elements, each as often as in an uncut run. `make` describes the pipeline anew for each run, as another
 * process would: what a cache holds is gone. It is read to its end.
 *
 * @throws Error that shows what was lost or doubled.
 */
export async function checkResumeUnordered<T>(make: () => Dataset<T>): Promise<ResumeReport> {
  const whole = await firstOf(make().iterate({ epoch: 0, chunk: 5 }), Infinity)
  let [cuts, resumes, largest] = [0, 0, 0]
  for (const shape of [SHAPES[0], SHAPES[2]]) {
    const { elements, checkpoints } = await record(make(), { ...shape })
    compare(elements, whole, `a run as ${JSON.stringify(shape)}`)
    for (const [at, checkpoint] of checkpoints.entries()) {
      await checkOne(make, checkpoint, elements.slice(0, at), whole)
      cuts++
      resumes += 2
      largest = Math.max(largest, checkpoint.length)
    }
  }
  return { elements: whole.length, cuts, resumes, largest }
}

async function checkOne<T>(
  make: () => Dataset<T>,
  checkpoint: string,
  before: readonly T[],
  whole: readonly T[],
): Promise<void> {
  const at = before.length
  const shape = SHAPES[at % SHAPES.length]
  const run = make().resume(parse(checkpoint), shape)
  const first = await takeFrom(run, Math.floor((whole.length - at) / 2))
  const second = JSON.stringify(run.checkpoint())
  await run.close()
  const rest = await firstOf(make().resume(parse(checkpoint), shape), Infinity)
  compare([...before, ...rest], whole, `cut at ${at}, resumed as ${JSON.stringify(shape)}`)
  const other = SHAPES[(at + 1) % SHAPES.length]
  const tail = await firstOf(make().resume(parse(second), other), Infinity)
  compare(
    [...before, ...first, ...tail],
    whole,
    `cut at ${at}, cut after ${first.length} more and resumed as ${JSON.stringify(other)}`,
  )
}

/** All elements of a run, and a checkpoint before each and behind the last. */
async function record<T>(
  dataset: Dataset<T>,
  shape: RunShape,
): Promise<{ readonly elements: readonly T[]; readonly checkpoints: readonly string[] }> {
  const run = dataset.iterate({ ...shape, epoch: 0 })
  const elements: T[] = []
  const checkpoints = [JSON.stringify(run.checkpoint())]
  for await (const x of run) {
    elements.push(x)
    checkpoints.push(JSON.stringify(run.checkpoint()))
  }
  return { elements, checkpoints }
}

function compare(got: readonly unknown[], wanted: readonly unknown[], what: string): void {
  const left = counted(wanted)
  for (const [text, n] of counted(got)) left.set(text, (left.get(text) ?? 0) - n)
  const wrong = [...left].filter(([, n]) => n !== 0)
  if (wrong.length === 0) return
  const names = wrong.slice(0, 20).map(([text, n]) => `${text} ${n > 0 ? 'lost' : 'doubled'}`)
  throw new Error(`${what}: ${names.join(', ')}`)
}

function counted(elements: readonly unknown[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const x of elements) {
    const text = JSON.stringify(x)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return counts
}

const parse = (text: string): Checkpoint => JSON.parse(text) as Checkpoint
