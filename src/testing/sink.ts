import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Dataset, type Sink, type Writer } from '../index.ts'

/** A sink in a world of its own, and what can be read back from it. */
export interface SinkUnderTest<T> {
  readonly sink: Sink<T>
  /** All that a finished run has written, as it is there. */
  readonly read: () => Promise<unknown>
  /** Frees the world. */
  readonly close?: () => Promise<unknown>
}

/** What a check of a sink did. */
export interface SinkReport {
  /** Runs that were cut down, each at another step. */
  readonly crashes: number
}

/** What a dying process leaves undone: the step itself, or only that it was noticed. */
type Moment = 'before' | 'after'

/** More steps than this are no small check. */
const MANY = 10_000

/**
 * Lets a run die before and after each thing that it asks a sink to do, and again while it goes on; then it is run to
 * its end. What the sink holds must be what an uncut run writes.
 *
 * `make` gives the sink in a fresh world each time: an empty folder, an empty table.
 *
 * @throws Error naming the step after which the output differs.
 */
export async function checkSink<T>(
  elements: readonly T[],
  make: () => Promise<SinkUnderTest<T>>,
): Promise<SinkReport> {
  const whole = await outcome(elements, make, [])
  for (let crashes = 0; crashes < MANY; crashes++) {
    const step = Math.floor(crashes / 2)
    const moment: Moment = crashes % 2 === 0 ? 'before' : 'after'
    // Every other run dies a second time, a few steps on.
    const fates = [new Fate(step, moment), ...(step % 2 === 0 ? [new Fate(2, moment)] : [])]
    const got = await outcome(elements, make, fates)
    if (!isDeepStrictEqual(got, whole)) {
      throw new Error(
        `a process that died ${moment} ${fates[0]?.what ?? `step ${step}`}: ` +
          `wanted ${shown(whole)}, got ${shown(got)}`,
      )
    }
    if (fates[0]?.what === undefined) return { crashes }
  }
  throw new Error(`the sink is asked for more than ${MANY} things; check it with fewer elements`)
}

async function outcome<T>(
  elements: readonly T[],
  make: () => Promise<SinkUnderTest<T>>,
  fates: readonly Fate[],
): Promise<unknown> {
  const { sink, read, close } = await make()
  const folder = await mkdtemp(join(tmpdir(), 'millstream-check-'))
  const dataset = Dataset.fromArray(elements)
  try {
    for (const fate of [...fates, undefined]) {
      const mortal = fate === undefined ? sink : dying(sink, fate)
      const run = dataset.write(mortal, { state: folder, every: { elements: 3 } })
      try {
        await run.run({ chunk: 2 })
      } catch (error) {
        if (!(error instanceof Death)) throw error
      }
    }
    return await read()
  } finally {
    await close?.()
    await rm(folder, { recursive: true })
  }
}

/** Takes the run down, as the end of its process would. */
class Death extends Error {}

/** The step at which a process dies. */
class Fate {
  /** What was being done, once it happened. */
  what: string | undefined
  #left: number
  readonly #moment: Moment

  constructor(step: number, moment: Moment) {
    this.#left = step
    this.#moment = moment
  }

  async around<R>(what: string, work: () => Promise<R>): Promise<R> {
    const now = this.what === undefined && this.#left-- === 0
    if (now) this.what = what
    else if (this.what !== undefined) throw new Death('the process is dead')
    if (now && this.#moment === 'before') throw new Death(`the process died before ${what}`)
    const result = await work()
    if (now) throw new Death(`the process died after ${what}`)
    return result
  }
}

function dying<T>(sink: Sink<T>, fate: Fate): Sink<T> {
  return {
    ...sink,
    open: async (context) => {
      let writer: Writer<T> | undefined
      try {
        return dyingWriter(
          await fate.around('open', async () => (writer = await sink.open(context))),
          fate,
        )
      } catch (error) {
        await writer?.abort(error)
        throw error
      }
    },
  }
}

function dyingWriter<T>(writer: Writer<T>, fate: Fate): Writer<T> {
  let count = 0
  return {
    position: writer.position,
    write: (chunk, elements) =>
      fate.around(`write ${++count}`, () => writer.write(chunk, elements)),
    commit: (position, durable) =>
      fate.around(`the commit behind write ${count}`, () => writer.commit(position, durable)),
    finish: () => fate.around('finish', () => writer.finish()),
    // The system closes what a dead process had open.
    abort: (cause) => writer.abort(cause),
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= 300 ? text : `${text.slice(0, 300)}...`
}
