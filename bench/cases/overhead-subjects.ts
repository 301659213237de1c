/** Who runs the pipelines of `overhead`. */
import { Dataset } from 'millstream'
import { importPeer } from '../peers/index.ts'
import { batchSize, type Shape, type Tally, type Work, works } from './overhead-work.ts'
import { loopOver, numbersLoop, objectsLoop } from './overhead-loops.ts'

export interface Subject {
  /** Elements of a run: enough to measure, and no more. */
  readonly size: number
  /** Runs the pipeline that is measured. */
  readonly run: (shape: Shape, n: number, tally: Tally) => Promise<void> | void
  /** Runs any pipeline with the same code; batches go nowhere. */
  readonly other: (work: Work, n: number) => Promise<void> | void
}

type Engine = (
  work: Work,
  n: number,
  eat: (batch: readonly unknown[]) => void,
) => Promise<void> | void

const ignore = (): void => undefined

/** A subject whose batches are arrays of elements. */
function rows(size: number, engine: Engine): Subject {
  return {
    size,
    run: (shape, n, tally) => engine(works[shape], n, tally.addRows),
    other: (work, n) => engine(work, n, ignore),
  }
}

const millstream: Subject = {
  size: 10_000_000,
  run: async (shape, n, tally) => {
    for await (const batch of pipeline(works[shape], n)) addColumns(batch, tally)
  },
  other: async (work, n) => {
    for await (const batch of pipeline(work, n)) ignore.call(batch)
  },
}

function pipeline({ first, keep, second }: Work, n: number): Dataset<unknown> {
  return Dataset.range(n).map(first).filter(keep).map(second).batch(batchSize)
}

/** A batch of numbers, or of objects as columns. */
function addColumns(batch: unknown, tally: Tally): void {
  if (batch instanceof Float64Array) {
    tally.add(batch.length, batch[0] ?? 0, batch.at(-1) ?? 0)
    return
  }
  const { id, value } = batch as { readonly id: Float64Array; readonly value: Float64Array }
  const first = (id[0] ?? 0) + (value[0] ?? 0)
  tally.add(id.length, first, (id.at(-1) ?? 0) + (value.at(-1) ?? 0))
}

const plainLoop: Subject = {
  size: 10_000_000,
  run: (shape, n, tally) => (shape === 'numbers' ? numbersLoop(n, tally) : objectsLoop(n, tally)),
  other: loopOver,
}

const asyncGenerators = rows(300_000, async ({ first, keep, second }, n, eat) => {
  async function* range(): AsyncGenerator<number> {
    for (let i = 0; i < n; i++) yield i
  }
  async function* map<A, B>(input: AsyncIterable<A>, fn: (x: A) => B): AsyncGenerator<B> {
    for await (const x of input) yield fn(x)
  }
  async function* filter<A>(input: AsyncIterable<A>): AsyncGenerator<A> {
    for await (const x of input) if (keep(x)) yield x
  }
  async function* batch<A>(input: AsyncIterable<A>): AsyncGenerator<A[]> {
    let items: A[] = []
    for await (const x of input) {
      items.push(x)
      if (items.length < batchSize) continue
      yield items
      items = []
    }
    if (items.length > 0) yield items
  }
  for await (const items of batch(map(filter(map(range(), first)), second))) eat(items)
})

type Pipe = (input: unknown) => unknown

interface EffectModules {
  readonly Stream: {
    readonly range: (min: number, max: number) => unknown
    readonly map: (fn: (x: unknown) => unknown) => Pipe
    readonly filter: (fn: (x: unknown) => boolean) => Pipe
    readonly grouped: (size: number) => Pipe
    readonly runForEach: (fn: (x: readonly unknown[]) => unknown) => Pipe
  }
  readonly Effect: {
    readonly sync: (fn: () => void) => unknown
    readonly runPromise: (effect: unknown) => Promise<void>
  }
  readonly pipe: (input: unknown, ...steps: readonly Pipe[]) => unknown
}

async function effect(): Promise<Subject> {
  const { Stream, Effect, pipe } = await importPeer<EffectModules>('effect')
  return rows(1_000_000, ({ first, keep, second }, n, eat) =>
    Effect.runPromise(
      pipe(
        Stream.range(0, n - 1),
        Stream.map((i) => first(i as number)),
        Stream.filter(keep),
        Stream.map(second),
        Stream.grouped(batchSize),
        Stream.runForEach((batch) => Effect.sync(() => eat(batch))),
      ),
    ),
  )
}

interface Rx {
  readonly range: (
    start: number,
    count: number,
  ) => {
    readonly pipe: (...steps: readonly unknown[]) => Observable
  }
  readonly map: (fn: (x: never) => unknown) => unknown
  readonly filter: (fn: (x: never) => boolean) => unknown
  readonly bufferCount: (size: number) => unknown
}
interface Observable {
  readonly forEach: (fn: (x: readonly unknown[]) => void) => Promise<void>
}

async function rxjs(): Promise<Subject> {
  const { range, map, filter, bufferCount } = await importPeer<Rx>('rxjs')
  return rows(2_000_000, ({ first, keep, second }, n, eat) =>
    range(0, n).pipe(map(first), filter(keep), map(second), bufferCount(batchSize)).forEach(eat),
  )
}

interface TfDataset {
  readonly map: (fn: (x: unknown) => unknown) => TfDataset
  readonly filter: (fn: (x: unknown) => boolean) => TfDataset
  readonly batch: (size: number) => TfDataset
  readonly forEachAsync: (fn: (x: unknown) => void) => Promise<void>
}
interface TfData {
  readonly generator: (make: () => Iterator<number>) => TfDataset
}
interface TfCore {
  readonly setBackend: (name: string) => Promise<boolean>
  readonly dispose: (x: unknown) => void
}
interface TfTensor {
  readonly dataSync: () => Float32Array
}

async function tfjsData(): Promise<Subject> {
  const core = await commonJs<TfCore>('@tensorflow/tfjs-core')
  await commonJs('@tensorflow/tfjs-backend-cpu')
  const data = await commonJs<TfData>('@tensorflow/tfjs-data')
  await core.setBackend('cpu')
  const run = (
    { first, keep, second }: Work,
    n: number,
    eat: (x: unknown) => void,
  ): Promise<void> =>
    data
      .generator(function* range() {
        for (let i = 0; i < n; i++) yield i
      })
      .map((i) => first(i as number))
      .filter(keep)
      .map(second)
      .batch(batchSize)
      .forEachAsync((batch) => {
        eat(batch)
        core.dispose(batch)
      })
  return {
    size: 30_000,
    run: (shape, n, tally) =>
      run(works[shape], n, (batch) => addColumns(columnsOf(batch, shape), tally)),
    other: (work, n) => run(work, n, ignore),
  }
}

/** What tensors hold, as the columns they are. */
function columnsOf(batch: unknown, shape: Shape): unknown {
  const read = (tensor: TfTensor): Float64Array => Float64Array.from(tensor.dataSync())
  if (shape === 'numbers') return read(batch as TfTensor)
  const { id, value } = batch as { readonly id: TfTensor; readonly value: TfTensor }
  return { id: read(id), value: read(value) }
}

async function commonJs<T>(name: string): Promise<T> {
  const module = await importPeer<{ readonly default?: T }>(name)
  return module.default ?? (module as T)
}

/** By the name in the results; peers are loaded when they are asked for. */
export const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  millstream: async () => millstream,
  'plain loop': async () => plainLoop,
  effect,
  rxjs,
  'async generators': async () => asyncGenerators,
  'tfjs-data': tfjsData,
}
