import { InvalidArgumentError, StageAddressError, messageOf } from '../errors/index.ts'
import { ElementLocal, type Local } from '../stream/local.ts'
import type { PoolOptions, WorkPool } from '../stream/pool.ts'
import { birthLabel, captureBirth } from './birth.ts'
import type { Place, Placed } from './placed.ts'
import { brandAs, type Definition, type StageRecord } from './record.ts'
import { LazyRunner } from './runner.ts'

/**
 * A function with an address: a worker finds it again by its module and the name under which that module
 * exports it. Called, or given to `map` as it is, it runs in this thread like the function it was made of.
 */
export interface Stage<in I, out O> {
  /** Runs in this thread. Without `local`: as element 0 of seed 0. Async when the stage has a setup. */
  (x: I, local?: Local): O | Promise<O>
  /** The stage, to be run by workers of `place`: `ds.map(decode.on(threads(4)))`. */
  on(place: Place): Placed<I, O>
  /** Tears down what calls in this thread set up; workers look after themselves. */
  close(): Promise<void>
}

/** A stage that takes parameters; `.with(parameters)` makes it usable. */
export interface StageTemplate<in I, out O, in C> {
  /**
   * Binds parameters. They travel to workers, so they are copied here as `structuredClone` does.
   *
   * @throws StageAddressError when they hold something that cannot be copied, such as a function.
   */
  with(config: C): Stage<I, O>
}

/** `stage()` gives a template where the function asks for parameters. */
export type StageFor<I, O, C> = [C] extends [void] ? Stage<I, O> : StageTemplate<I, O, C>

/** A stage with state: `setup` runs once per worker, `teardown` when the worker ends. */
export interface StageParts<I, O, S, C> {
  readonly setup: (config: C) => S | Promise<S>
  readonly run: (x: I, state: S, local: Local) => O | Promise<O>
  readonly teardown?: (state: S) => void | Promise<void>
}

/** Where a stage lives: `import.meta`, or the URL of the module (`pathToFileURL(__filename)` in CommonJS). */
export type StageModule = { readonly url: string } | URL

/**
 * Gives a function an address, so that it can run on threads and other machines. It must be exported
 * from a module that a worker may import: not the program's entry, and free of side effects.
 *
 * ```ts
 * export const decode = stage(import.meta, async (path: string) => readPhoto(path))
 * export const embed = stage(import.meta, {
 *   setup: async () => ({ model: await loadModel() }),
 *   run: (photo: Photo, { model }) => model.embed(photo),
 *   teardown: ({ model }) => model.release(),
 * })
 * export const resize = stage(import.meta, (photo: Photo, local, size: { width: number }) => ...)
 *
 * ds.map(decode).map(resize.with({ width: 224 }).on(threads(2))).map(embed.on(threads(1)))
 * ```
 *
 * The function gets the element, then `local` (index, random numbers, signal), then what `.with()` bound;
 * with the second form `setup` gets what `.with()` bound, and `run` gets the element, the state and
 * `local`. What a worker receives and returns is copied:
 * a stage may keep its buffers.
 */
export function stage<I, O, C = void>(
  module: StageModule,
  fn: (x: I, local: Local, config: C) => O | Promise<O>,
): StageFor<I, O, C>
export function stage<I, O, S, C = void>(
  module: StageModule,
  parts: StageParts<I, O, S, C>,
): StageFor<I, O, C>
export function stage(module: StageModule, does: unknown): unknown {
  const url = module instanceof URL ? module.href : module.url
  if (typeof url !== 'string') {
    throw new InvalidArgumentError('stage() takes import.meta, or the URL of its module, first')
  }
  const definition = definitionOf(does)
  return makeStage({ url, definition, config: undefined, birth: captureBirth(module, stage) })
}

function definitionOf(does: unknown): Definition {
  if (typeof does === 'function') {
    const fn = does as (x: unknown, local: Local, config: unknown) => unknown
    return { run: (x, _state, local, config) => fn(x, local, config) }
  }
  const parts = does as Partial<Definition> | null
  if (typeof parts?.setup !== 'function' || typeof parts.run !== 'function') {
    throw new InvalidArgumentError(
      'stage(import.meta, ...) takes a function, or an object with setup and run',
    )
  }
  const { setup, run, teardown } = parts
  return { setup, run, ...(teardown && { teardown }) }
}

/** What every stage is at run time; the types of `stage()` show the half that makes sense. */
type AnyStage = Stage<never, unknown> & StageTemplate<never, unknown, never>

function makeStage(record: StageRecord): AnyStage {
  const runner = new LazyRunner(record.definition, record.config)
  const call = (x: unknown, local: Local = aloneLocal()): unknown => runner.run(x, local)
  const members = {
    on: (place: Place) => placed(record, place, call),
    close: () => runner.close(),
    with: (config: unknown) => makeStage({ ...record, config: cloneConfig(record, config) }),
  }
  return brandAs(Object.assign(call, members), record)
}

function placed(
  record: StageRecord,
  place: Place,
  call: (x: unknown, local?: Local) => unknown,
): Placed<never, unknown> {
  return {
    get address(): string {
      return birthLabel(record.url, record.birth)
    },
    place: place.name,
    auto: place.auto === true,
    config: record.config,
    inline: call,
    open: (signal: AbortSignal, how?: PoolOptions): Promise<WorkPool> =>
      place.open(record, signal, how),
  }
}

function cloneConfig(record: StageRecord, config: unknown): unknown {
  try {
    return structuredClone(config)
  } catch (cause) {
    throw new StageAddressError(
      `The parameters given to ${birthLabel(record.url, record.birth)}.with() cannot be sent to a worker: ` +
        `${messageOf(cause).replace(/\.$/, '')}. Pass data, and make functions and connections of it in the stage's setup.`,
      { cause },
    )
  }
}

const unaborted = new AbortController().signal

function aloneLocal(): Local {
  return new ElementLocal(0, unaborted).at(0)
}
