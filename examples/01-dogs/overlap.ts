import { Dataset, threads, type RunEvent } from 'millstream'
import type { ModelSpec, StepResult, TrainBatch, TrainEngine, Trainer } from 'millstream/ml'
import { lanesOf, Progress, type Lane, type Slice } from 'millstream/ui'
import { augment, read, toTrainBatch } from './pipeline.ts'
import type { PhotoFile } from './photos.ts'
import { decode } from './stages.ts'

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
  /** Threads that decode. */
  readonly decoders: number
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
  /** Threads that decode. */
  readonly decoders: number
  readonly seed: number
  readonly signal: AbortSignal
}

const lr = 0.01

/** Each way is gone three times, and the quickest counts: other programs can only slow a run down. */
const times = 3

/**
 * Reads, decodes, augments and batches the same files for the same training steps: one thing after the
 * other, preparation alone, training alone, and all overlapped.
 */
export async function measureOverlap(input: OverlapInput): Promise<Overlap> {
  const { steps, spec, decoders, signal } = input
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
    decoders,
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
  const bytes = Dataset.fromArray([...first, ...files]).map(
    async (file, local) => {
      if (local.index >= first.length) await gate
      return read(file)
    },
    { parallelism: 4 },
  )
  const photos = bytes.map(decode.with({ size }).on(threads(input.decoders)))
  const augmented = photos.map((photo, local) => augment(photo, () => local.random(), size))
  const stacked = augmented.batch(spec.batch, { dropRemainder: true })
  const names = new Map([
    [bytes.plan.id, 'read'],
    [photos.plan.id, 'decode'],
    [augmented.plan.id, 'augment'],
    [stacked.plan.id, 'batch'],
  ])
  return { batches: stacked.map(toTrainBatch).prefetch(2), names, begin: () => begin() }
}

async function oneAfterTheOther(input: OverlapInput, trainer: Trainer): Promise<Way> {
  const { size, spec, signal } = input
  const log = new Map<string, Slice[]>(
    ['read', 'decode', 'augment', 'batch', 'train'].map((name) => [name, []]),
  )
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    log.get(name)?.push({ start, end: performance.now() })
    return result
  }
  const decodeHere = decode.with({ size })
  const files = filesOf(input)
  const start = performance.now()
  for (let first = 0; first < files.length; first += spec.batch) {
    signal.throwIfAborted()
    const rows: ReturnType<typeof augment>[] = []
    for (const file of files.slice(first, first + spec.batch)) {
      const raw = await timed('read', () => read(file))
      const photo = await timed('decode', () => decodeHere(raw))
      rows.push(await timed('augment', () => augment(photo, Math.random, size)))
    }
    const batch = await timed('batch', () => stack(rows))
    await timed('train', () => trainer.trainStep(batch, { lr }))
  }
  const lanes = [...log].map(([name, slices]) => ({ name, slices }))
  return { lanes, start, end: performance.now() }
}

function stack(rows: readonly { x: Uint8Array; y: number }[]): TrainBatch {
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
    return name === 'decode' ? lane : name
  })
  return { lanes: arranged(lanes, steps), start, end }
}

/** In the order of the work, workers of the decode stage side by side. */
function arranged(lanes: readonly Lane[], steps: readonly Slice[]): Lane[] {
  const named = (name: string): Lane => ({
    name,
    slices: lanes.find((lane) => lane.name === name)?.slices ?? [],
  })
  const known = ['read', 'augment', 'batch']
  const workers = lanes
    .filter(({ name }) => !known.includes(name))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    .map(({ slices }, i) => ({ name: `decode ${i + 1}`, slices, color: 2 }))
  const [reading, augmenting, batching] = known.map(named)
  return [
    { name: 'read', slices: reading?.slices ?? [], color: 1 },
    ...workers,
    { name: 'augment', slices: augmenting?.slices ?? [], color: 3 },
    { name: 'batch', slices: batching?.slices ?? [], color: 4 },
    { name: 'train', slices: steps, color: 5 },
  ]
}
