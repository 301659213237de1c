/** A ring of shared memory as one would write it for these three kinds of elements alone. */
import { Worker, workerData } from 'node:worker_threads'
import { chunkOf, chunkSizes, numbersPerArray, photoBytes, type Work } from './threads-work.ts'

interface Order {
  readonly ring: Work
  readonly memory: SharedArrayBuffer
  /** Chunks written, chunks read. */
  readonly counts: SharedArrayBuffer
}

/** Node has it; the types of ES2023 do not. */
const waiting = Atomics as typeof Atomics & {
  waitAsync(array: Int32Array, index: number, value: number): { readonly value: unknown }
}

const slots = 8
const textBytes = 256 * 1024

const slotBytes = (work: Work): number =>
  work === 'photos'
    ? chunkSizes.photos * photoBytes
    : work === 'numbers'
      ? chunkSizes.numbers * numbersPerArray * 8
      : 8 + textBytes

/** Writes chunks for ever, as far ahead as there are slots. */
function serve({ ring: work, memory, counts: shared }: Order): void {
  const counts = new Int32Array(shared)
  const bytes = Buffer.from(memory)
  for (let k = 0; ; k++) {
    for (let read = counts[1] ?? 0; k - read >= slots; read = Atomics.load(counts, 1)) {
      Atomics.wait(counts, 1, read)
    }
    let at = (k % slots) * slotBytes(work)
    const chunk = chunkOf(work, k * chunkSizes[work])
    if (work === 'records') {
      bytes.writeInt32LE(bytes.write(JSON.stringify(chunk), at + 8, 'latin1'), at)
    } else {
      for (const each of chunk as readonly (Uint8Array | Float64Array)[]) {
        bytes.set(new Uint8Array(each.buffer), at)
        at += each.byteLength
      }
    }
    Atomics.store(counts, 0, k + 1)
    Atomics.notify(counts, 0)
  }
}

/** Chunks as they come, read in place: each is valid until the next. */
export async function* readRing(work: Work): AsyncGenerator<readonly unknown[], undefined> {
  const size = slotBytes(work)
  const memory = new SharedArrayBuffer(slots * size)
  const counts = new Int32Array(new SharedArrayBuffer(8))
  const order: Order = { ring: work, memory, counts: counts.buffer }
  const worker = new Worker(new URL(import.meta.url), { workerData: order })
  try {
    for (let k = 0; ; k++) {
      for (let made = Atomics.load(counts, 0); made <= k; made = Atomics.load(counts, 0)) {
        await waiting.waitAsync(counts, 0, made).value
      }
      yield chunkAt(work, memory, (k % slots) * size)
      Atomics.store(counts, 1, k + 1)
      Atomics.notify(counts, 1)
    }
  } finally {
    await worker.terminate()
  }
}

function chunkAt(work: Work, memory: SharedArrayBuffer, from: number): readonly unknown[] {
  if (work === 'records') {
    const bytes = Buffer.from(memory, from, 8 + textBytes)
    return JSON.parse(bytes.toString('latin1', 8, 8 + bytes.readInt32LE())) as readonly unknown[]
  }
  return Array.from({ length: chunkSizes[work] }, (_, k) =>
    work === 'photos'
      ? new Uint8Array(memory, from + k * photoBytes, photoBytes)
      : new Float64Array(memory, from + k * numbersPerArray * 8, numbersPerArray),
  )
}

const order = workerData as Partial<Order> | null
if (order?.ring !== undefined) serve(order as Order)
