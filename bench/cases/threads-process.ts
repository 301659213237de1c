/** Measures all subjects of `threads`, in turn, in a process that runs plain JavaScript as compiled programs do. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { threads } from 'millstream'
import * as stages from './threads-stages.ts'
import { type Chunks, peerWorker, type Peers, poolOf, subjectsOf } from './threads-subjects.ts'
import { chunkSizes, Consumer, type Work } from './threads-work.ts'

export interface Job {
  readonly work: Work | 'start'
  readonly rounds: number
  readonly chunks: number
  readonly peers: Peers
}

/** Of each subject: nanoseconds an element of the clock, and of this thread's processor time. */
export interface Outcome {
  readonly [subject: string]: { readonly wall: readonly number[]; readonly own: readonly number[] }
}

interface Figures {
  readonly wall: number[]
  readonly own: number[]
}

const { work, rounds, chunks, peers } = JSON.parse(process.argv[2] ?? '{}') as Job

/** Nanoseconds of the processor that this thread has had. */
function ownTime(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0])
}

async function carry(kind: Work): Promise<Record<string, Figures>> {
  const subjects = Object.entries(subjectsOf(peers))
  const open = await Promise.all(
    subjects.map(async ([name, make]) => ({
      name,
      chunks: await make(kind),
      consumer: new Consumer(kind),
      wall: [] as number[],
      own: [] as number[],
    })),
  )
  for (let round = -1; round < rounds; round++) {
    for (const each of open) {
      const before = each.consumer.count
      const [start, own] = [performance.now(), ownTime()]
      await take(each.chunks, each.consumer, chunks * chunkSizes[kind])
      const count = each.consumer.count - before
      if (round < 0) continue // warms up
      each.wall.push(((performance.now() - start) * 1e6) / count)
      each.own.push((ownTime() - own) / count)
    }
  }
  const wrong = open.filter(({ consumer }) => consumer.wrong).map(({ name }) => name)
  if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: other elements came than were made`)
  await Promise.all(open.map((each) => each.chunks.return(undefined)))
  return Object.fromEntries(open.map(({ name, wall, own }) => [name, { wall, own }]))
}

async function take(from: Chunks, consumer: Consumer, count: number): Promise<void> {
  for (const end = consumer.count + count; consumer.count < end;) {
    const { value, done } = await from.next()
    if (done === true) throw new Error('the chunks ended')
    consumer.take(value)
  }
}

/** Until two workers have answered. */
const starters: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  millstream: async () => {
    const pool = await stages.numbers.on(threads(2)).open(new AbortController().signal)
    return () => pool.close()
  },
  'two bare threads': async () => {
    const workers = [1, 2].map(() => new Worker(peerWorker, { workerData: 'messages' }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    return () => Promise.all(workers.map((worker) => worker.terminate()))
  },
  piscina: () => startPool(peers.piscina, 'Piscina'),
  tinypool: () => startPool(peers.tinypool, 'Tinypool'),
}

async function startPool(url: string, name: string): Promise<() => Promise<void>> {
  const pool = await poolOf(url, name, 2)
  const call = { work: 'numbers', first: 0 } as const
  await Promise.all([1, 2].map(() => pool.run(call, { name: 'make' })))
  return () => pool.destroy()
}

async function begin(): Promise<Record<string, Figures>> {
  const found: Record<string, Figures> = {}
  for (let round = -1; round < rounds; round++) {
    for (const [name, open] of Object.entries(starters)) {
      const [start, own] = [performance.now(), ownTime()]
      const close = await open()
      const figures = (found[name] ??= { wall: [], own: [] })
      if (round >= 0) {
        figures.wall.push(performance.now() - start)
        figures.own.push(ownTime() - own)
      }
      await close()
    }
  }
  return found
}

const outcome: Outcome = work === 'start' ? await begin() : await carry(work)
process.send?.(outcome)
process.disconnect()
