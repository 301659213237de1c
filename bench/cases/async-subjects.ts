/** Who makes asynchronous calls, `lanes` at once, in `async`. */
import { Dataset } from 'millstream'
import { importPeer } from '../peers/index.ts'

export type Call = (i: number) => Promise<number>

/** Calls `call` for 0 .. n - 1 and hands each result to `eat`. */
export type Engine = (n: number, call: Call, eat: (value: number) => void) => Promise<void>

export interface AsyncSubject {
  readonly name: string
  readonly run: Engine
  /** Results come in the order of the calls. */
  readonly ordered: boolean
  /** Elements of a run with promises that are resolved already: enough to measure, and no more. */
  readonly size: number
}

export const lanes = 16

function millstream(deterministic: boolean): Engine {
  return async (n, call, eat) => {
    const results = Dataset.range(n).map(call, { parallelism: lanes, deterministic })
    for await (const chunk of results.iterate().chunks()) for (const value of chunk) eat(value)
  }
}

/** Loops that take the next number, by hand: the limit. Results wait in an array for the end. */
const byHand: Engine = async (n, call, eat) => {
  const results = new Array<number>(n)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < n) {
      const i = next++
      results[i] = await call(i)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  for (const value of results) eat(value)
}

interface PMap {
  readonly default: (
    input: Iterable<number>,
    call: Call,
    options: { concurrency: number },
  ) => Promise<number[]>
  readonly pMapIterable: (
    input: Iterable<number>,
    call: Call,
    options: { concurrency: number; backpressure: number },
  ) => AsyncIterable<number>
}

function* range(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i
}

async function pMap(): Promise<Engine> {
  const peer = await importPeer<PMap>('p-map')
  return async (n, call, eat) => {
    for (const value of await peer.default(range(n), call, { concurrency: lanes })) eat(value)
  }
}

async function pMapIterable(): Promise<Engine> {
  const { pMapIterable: map } = await importPeer<PMap>('p-map')
  return async (n, call, eat) => {
    const options = { concurrency: lanes, backpressure: 1024 }
    for await (const value of map(range(n), call, options)) eat(value)
  }
}

type Pipe = (input: unknown) => unknown

interface EffectModules {
  readonly Stream: {
    readonly range: (min: number, max: number) => unknown
    readonly mapEffect: (fn: (x: number) => unknown, options: { concurrency: number }) => Pipe
    readonly runForEach: (fn: (x: number) => unknown) => Pipe
  }
  readonly Effect: {
    readonly sync: (fn: () => void) => unknown
    readonly promise: (fn: () => Promise<unknown>) => unknown
    readonly runPromise: (effect: unknown) => Promise<void>
  }
  readonly pipe: (input: unknown, ...steps: readonly Pipe[]) => unknown
}

async function effect(): Promise<Engine> {
  const { Stream, Effect, pipe } = await importPeer<EffectModules>('effect')
  return (n, call, eat) =>
    Effect.runPromise(
      pipe(
        Stream.range(0, n - 1),
        Stream.mapEffect((i) => Effect.promise(() => call(i)), { concurrency: lanes }),
        Stream.runForEach((value) => Effect.sync(() => eat(value))),
      ),
    )
}

interface Rx {
  readonly range: (start: number, count: number) => { readonly pipe: (step: unknown) => Observable }
  readonly mergeMap: (call: Call, concurrency: number) => unknown
  readonly concatMap: (call: Call) => unknown
}

interface Observable {
  readonly forEach: (fn: (value: number) => void) => Promise<void>
}

async function rxjs(step: (rx: Rx, call: Call) => unknown): Promise<Engine> {
  const rx = await importPeer<Rx>('rxjs')
  return (n, call, eat) => rx.range(0, n).pipe(step(rx, call)).forEach(eat)
}

export async function asyncSubjects(): Promise<readonly AsyncSubject[]> {
  const merge = await rxjs(({ mergeMap }, call) => mergeMap(call, lanes))
  return [
    { name: 'millstream', run: millstream(true), ordered: true, size: 300_000 },
    { name: 'millstream, no order', run: millstream(false), ordered: false, size: 300_000 },
    { name: 'lanes by hand', run: byHand, ordered: true, size: 300_000 },
    { name: 'p-map', run: await pMap(), ordered: true, size: 100_000 },
    { name: 'p-map, iterable', run: await pMapIterable(), ordered: true, size: 50_000 },
    { name: 'effect', run: await effect(), ordered: true, size: 20_000 },
    { name: 'rxjs mergeMap, no order', run: merge, ordered: false, size: 5000 },
  ]
}
