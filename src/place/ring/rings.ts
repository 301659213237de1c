/** How much memory threads share with the pipeline's thread: so much each, and so much together. */
import { totalmem } from 'node:os'
import type { Rings } from '../protocol.ts'
import { makeRing, ringBytes } from './slots.ts'

/** A job at work, and one at hand. */
const JOB_SLOTS = 2
/** As many results, as many that wait for their turn, and those that a batch is made of. */
const RESULT_SLOTS = 8

/** Bytes of a slot, where there is memory enough: a dozen photos in half of it. */
const SLOT_BYTES = 4 * 1024 * 1024
/** Smaller slots are not worth it. */
const MIN_SLOT_BYTES = 16 * 1024

/** What all threads of a process may share with it. Pages are taken when they are first written. */
const BUDGET = Math.min(1024 ** 3, totalmem() / 8)

/** Bytes that threads share now. */
let inUse = 0
let told = false

/** Bytes of a slot for each of `threads` threads of a stage, from 0 (no shared memory) on. */
export function slotBytesFor(threads: number, budget = BUDGET): number {
  const fitting = Math.floor(budget / threads / (JOB_SLOTS + RESULT_SLOTS) / 4096) * 4096
  return fitting < MIN_SLOT_BYTES ? 0 : Math.min(SLOT_BYTES, fitting)
}

/** Memory that one thread shares, until `free` is called. */
export interface SharedMemory {
  readonly rings: Rings | undefined
  readonly free: () => void
}

/** Memory for one thread, in slots of `wanted` bytes, or smaller ones where other threads have much of it. */
export function takeMemory(wanted: number): SharedMemory {
  if (wanted === 0) return nothing
  const slotBytes = Math.min(wanted, slotBytesFor(1, BUDGET - inUse))
  if (slotBytes === 0) return tellShort(`${megabytes(inUse)} are in use`)
  try {
    const rings = {
      jobs: makeRing(JOB_SLOTS, slotBytes),
      results: makeRing(RESULT_SLOTS, slotBytes),
    }
    const bytes = ringBytes(JOB_SLOTS, slotBytes) + ringBytes(RESULT_SLOTS, slotBytes)
    inUse += bytes
    return { rings, free: () => (inUse -= bytes) }
  } catch (error) {
    if (error instanceof RangeError) return tellShort('the system has no more')
    throw error
  }
}

const nothing: SharedMemory = { rings: undefined, free: () => undefined }

/** Messages copy what slots would hold: slower, and all the same otherwise. */
function tellShort(why: string): SharedMemory {
  if (!told) {
    process.emitWarning(
      `memory that threads share is short (at most ${megabytes(BUDGET)}, ${why}): what crosses is copied more often. ` +
        'Use fewer threads at a time.',
      'MillstreamWarning',
    )
    told = true
  }
  return nothing
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
