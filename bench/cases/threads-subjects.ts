/** Who carries chunks from a worker to this thread, each as an endless sequence of chunks. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Dataset, threads } from 'millstream'
import { readRing } from './threads-ring.ts'
import type { Call } from './threads-peer.ts'
import { numbers, photos, records } from './threads-stages.ts'
import { chunkSizes, type Work } from './threads-work.ts'

export type Chunks = AsyncGenerator<readonly unknown[], undefined>

/** The part of Piscina and Tinypool that is used. */
interface Pool {
  run(call: Call, options: { readonly name: string }): Promise<readonly unknown[]>
  destroy(): Promise<void>
}

type PoolClass = new (options: object) => Pool

/** Where packages to compare with are found, by name. */
export type Peers = Readonly<Record<'piscina' | 'tinypool', string>>

const stages = { photos, records, numbers }

/** Chunks that are asked for ahead. */
const ahead = 4

export const peerWorker = new URL('./threads-peer.js', import.meta.url)

export function subjectsOf(
  peers: Peers,
): Readonly<Record<string, (work: Work) => Chunks | Promise<Chunks>>> {
  return {
    millstream: (work) => readPipeline(work, true),
    'millstream, copies': (work) => readPipeline(work, false),
    'millstream, one stage by hand': readStage,
    'hand-written ring': readRing,
    piscina: async (work) => readPool(await poolOf(peers.piscina, 'Piscina', 1), work),
    tinypool: async (work) => readPool(await poolOf(peers.tinypool, 'Tinypool', 1), work),
    'messages, cloned': (work) => readPool(new MessagePool(), work),
  }
}

function readPipeline(work: Work, inPlace: boolean): Chunks {
  const made = Dataset.counter().map<unknown>(stages[work].on(threads(1)))
  return made.iterate({ inPlace }).chunks()
}

/** What carries a stage's jobs, without the pipeline. */
async function* readStage(work: Work): Chunks {
  const size = chunkSizes[work]
  const pool = await stages[work].on(threads(1)).open(new AbortController().signal)
  const ask = (first: number) => {
    const items = Array.from({ length: size }, (_, k) => first + k)
    return pool.run({ items, first, key: 0, lend: 'inPlace' })
  }
  const asked = Array.from({ length: ahead }, (_, k) => ask(k * size))
  try {
    for (let first = ahead * size; ; first += size) {
      const result = await asked.shift()
      if (result === undefined) return
      yield result.values
      result.release?.()
      asked.push(ask(first))
    }
  } finally {
    await Promise.all(asked)
    await pool.close()
  }
}

export async function poolOf(url: string, name: string, count: number): Promise<Pool> {
  const module = (await import(url)) as Readonly<Record<string, PoolClass>>
  const type = module[name] ?? module['default']
  if (type === undefined) throw new Error(`${url} exports no ${name}`)
  return new type({ filename: peerWorker.href, minThreads: count, maxThreads: count })
}

async function* readPool(pool: Pool, work: Work): Chunks {
  const size = chunkSizes[work]
  const ask = (first: number) => pool.run({ work, first }, { name: 'make' })
  const asked = Array.from({ length: ahead }, (_, k) => ask(k * size))
  try {
    for (let first = ahead * size; ; first += size) {
      const chunk = await asked.shift()
      if (chunk === undefined) return
      asked.push(ask(first))
      yield chunk
    }
  } finally {
    await Promise.all(asked)
    await pool.destroy()
  }
}

/** Calls by messages, answered by structured clone, as Comlink makes them. */
class MessagePool implements Pool {
  readonly #worker = new Worker(peerWorker, { workerData: 'messages' })
  readonly #ready = once(this.#worker, 'message')
  readonly #calls = new Map<number, (value: readonly unknown[]) => void>()
  #next = 0

  constructor() {
    this.#worker.on('message', (answer: { id?: number; value: readonly unknown[] }) => {
      if (answer.id !== undefined) this.#calls.get(answer.id)?.(answer.value)
    })
  }

  async run(call: Call): Promise<readonly unknown[]> {
    await this.#ready
    const id = this.#next++
    return new Promise((resolve) => {
      this.#calls.set(id, (value) => {
        this.#calls.delete(id)
        resolve(value)
      })
      this.#worker.postMessage({ ...call, id })
    })
  }

  async destroy(): Promise<void> {
    await this.#worker.terminate()
  }
}
