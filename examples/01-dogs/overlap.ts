import { Dataset, threads, type RunEvent } from 'millstream'
import type { ModelSpec, StepResult, TrainBatch, TrainEngine, Trainer } from 'millstream/ml'
import { lanesOf, Progress, type Lane, type Slice } from 'millstream/ui'
import { toTrainBatch } from './pipeline.ts'
import type { PhotoFile } from './photos.ts'
import { augment, load } from './stages.ts'

/** One way of doing the work, with what was busy when. */
export interface Way {
  readonly lanes: readonly Lane[]
  readonly start: number
  readonly end: number
}

/** The same work done in four ways, in milliseconds of wall time. */
export interface Overlap {
  readonly steps: number
  readonly photos: number
  /** Threads of the training engine: one core is left to the preparation. */
  readonly trainThreads: number
  readonly sequential: Way
  readonly overlapped: Way
  readonly prepareAlone: number
  readonly trainAlone: number
}

/** What is measured with. */
export interface OverlapInput {
  readonly files: readonly PhotoFile[]
  readonly size: number
  readonly engine: TrainEngine
  readonly spec: ModelSpec
  readonly steps: number
  readonly seed: number
  readonly signal: AbortSignal
}

const lr = 0.01

/** Each way is gone three times, and the quickest counts: other programs can only slow a run down. */
const times = 3

/**
 * Loads, augments and batches the same files for the same training steps: one thing after the
 * other, preparation alone, training alone, and all overlapped.
 */
export async function measureOverlap(input: OverlapInput): Promise<Overlap> {
  const { steps, spec, signal } = input
  const progress = new Progress({ label: 'measure', total: 4 * times, unit: 'runs' })
  const trainer = await input.engine.create(spec)
  const preparations: number[] = []
  const trainings: number[] = []
  const [sequential, overlapped]: [Way[], Way[]] = [[], []]
  try {
    for (let k = 0; k < times; k++) {
      const { batches, ms } = await prepare(input)
      preparations.push(ms)
      progress.update(4 * k + 1)
      if (k === 0) await warmUp(batches, trainer)
      sequential.push(await oneAfterTheOther(input, trainer))
      progress.update(4 * k + 2)
      trainings.push(await train(batches, trainer, signal))
      progress.update(4 * k + 3)
      overlapped.push(await allAtOnce(input, trainer))
      progress.update(4 * k + 4)
    }
  } finally {
    await trainer.dispose()
  }
  progress.end()
  const duration = (way: Way): number => way.end - way.start
  return {
    steps,
    photos: steps * spec.batch,
    trainThreads: trainer.device.threads,
    sequential: quickest(sequential, duration),
    overlapped: quickest(overlapped, duration),
    prepareAlone: quickest(preparations, Number),
    trainAlone: quickest(trainings, Number),
  }
}

function quickest<T>(items: readonly T[], by: (item: T) => number): T {
  return items.reduce((a, b) => (by(b) < by(a) ? b : a))
}

/**
 * Steps of a measurement that takes some forty seconds in all. Few are not enough: preparation first fills
 * the buffers as fast as it can, and only then goes at the pace of training.
 */
export function stepsToMeasure(stepMs: number, decodeMs: number, batch: number): number {
  const each = 3 * stepMs + 2 * decodeMs * batch
  return Math.min(48, Math.max(8, Math.floor(15_000 / each)))
}

/** The files of the measured work: those there are, again and again. */
function filesOf({ files, steps, spec }: OverlapInput): PhotoFile[] {
  return Array.from({ length: steps * spec.batch }, (_, i) => files[i % files.length] as PhotoFile)
}

/** The pipeline that is measured, from files to batches; it waits behind its first batch until `begin`. */
function pipeline(input: OverlapInput) {
  const { size, spec } = input
  let begin = (): void => undefined
  const gate = new Promise<void>((resolve) => (begin = resolve))
  const files = filesOf(input)
  // One batch more, first: when it is there, threads have started and code is loaded.
  const first = files.slice(0, spec.batch)
  const opened = Dataset.fromArray([...first, ...files]).map(
    async (file, local) => {
      if (local.index >= first.length) await gate
      return file
    },
    { parallelism: 1 },
  )
  const photos = opened.map(load.with({ size }).on(threads('auto')))
  const augmented = photos.map(augment.with({ size }).on(threads('auto')))
  const stacked = augmented.batch(spec.batch, { dropRemainder: true })
  const names = new Map([
    [photos.plan.id, 'load'],
    [augmented.plan.id, 'augment'],
    [stacked.plan.id, 'batch'],
  ])
  return { batches: stacked.map(toTrainBatch).prefetch(2), names, begin: () => begin() }
}

async function oneAfterTheOther(input: OverlapInput, trainer: Trainer): Promise<Way> {
  const { size, spec, signal } = input
  const log = new Map<string, Slice[]>(
    ['load', 'augment', 'batch', 'train'].map((name) => [name, []]),
  )
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    log.get(name)?.push({ start, end: performance.now() })
    return result
  }
  const [loadHere, augmentHere] = [load.with({ size }), augment.with({ size })]
  const files = filesOf(input)
  const start = performance.now()
  for (let first = 0; first < files.length; first += spec.batch) {
    signal.throwIfAborted()
    const rows: Row[] = []
    for (const file of files.slice(first, first + spec.batch)) {
      const photo = await timed('load', () => loadHere(file))
      rows.push(await timed('augment', () => augmentHere(photo)))
    }
    const batch = await timed('batch', () => stack(rows))
    await timed('train', () => trainer.trainStep(batch, { lr }))
  }
  const lanes = [...log].map(([name, slices]) => ({ name, slices }))
  return { lanes, start, end: performance.now() }
}

interface Row {
  readonly x: Uint8Array
  readonly y: number
}

function stack(rows: readonly Row[]): TrainBatch {
  const length = rows[0]?.x.length ?? 0
  const x = new Uint8Array(rows.length * length)
  for (const [i, row] of rows.entries()) x.set(row.x, i * length)
  return { x, y: Int32Array.from(rows, (row) => row.y) }
}

async function prepare(input: OverlapInput): Promise<{ batches: TrainBatch[]; ms: number }> {
  const { seed, signal } = input
  const { batches, begin } = pipeline(input)
  const made: TrainBatch[] = []
  let start = 0
  for await (const batch of batches.iterate({ seed, signal })) {
    if (start > 0) made.push(batch)
    else {
      start = performance.now()
      begin()
    }
  }
  return { batches: made, ms: performance.now() - start }
}

/** What only the first steps pay, such as memory that is not there yet. */
async function warmUp(batches: readonly TrainBatch[], trainer: Trainer): Promise<void> {
  for (const { x, y } of batches.slice(0, 2)) {
    await trainer.trainStep({ x: x.slice(), y: y.slice() }, { lr })
  }
}

async function train(
  batches: readonly TrainBatch[],
  trainer: Trainer,
  signal: AbortSignal,
): Promise<number> {
  const start = performance.now()
  await trained(Dataset.fromArray(batches), trainer).forEach(() => undefined, { signal })
  return performance.now() - start
}

function trained(batches: Dataset<TrainBatch>, trainer: Trainer): Dataset<StepResult> {
  return batches.map((batch) => trainer.trainStep(batch, { lr }), { parallelism: 2 })
}

async function allAtOnce(input: OverlapInput, trainer: Trainer): Promise<Way> {
  const { seed, signal } = input
  const { batches, names, begin } = pipeline(input)
  const events: RunEvent[] = []
  const steps: Slice[] = []
  let start = 0
  const run = trained(batches, trainer).iterate({
    seed,
    signal,
    trace: true,
    observe: (event) => events.push(event),
  })
  for await (const step of run) {
    if (start > 0) steps.push({ start: step.start, end: step.end })
    else {
      start = performance.now()
      begin()
    }
  }
  const end = performance.now()
  const lanes = lanesOf(events, ({ stage, lane }) => {
    const name = names.get(stage)
    return name === undefined || name === 'batch' ? name : `${name} ${lane}`
  })
  return { lanes: arranged(lanes, steps), start, end }
}

/** In the order of the work, workers of a stage side by side. */
function arranged(lanes: readonly Lane[], steps: readonly Slice[]): Lane[] {
  const workers = (stage: string): Lane[] =>
    lanes
      .filter(({ name }) => name.startsWith(`${stage} `))
      .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
      .map(({ slices }, i) => ({ name: `${stage} ${i + 1}`, slices }))
  const batching = lanes.find(({ name }) => name === 'batch')
  return [
    ...workers('load'),
    ...workers('augment'),
    { name: 'batch', slices: batching?.slices ?? [] },
    { name: 'train', slices: steps },
  ]
}
