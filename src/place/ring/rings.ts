/** How much memory threads share. */
import { totalmem } from 'node:os'
import type { Rings } from '../protocol.ts'
import { makeRing, ringBytes } from './slots.ts'

/** A job at work, and one at hand. */
const JOB_SLOTS = 2
/** As many results, as many that wait for their turn, and those that a batch is made of. */
const RESULT_SLOTS = 8

/** Bytes of a slot, where there is memory enough: several batches of photos. */
const SLOT_BYTES = 4 * 1024 * 1024
/** Smaller slots are not worth it. */
const MIN_SLOT_BYTES = 16 * 1024

/** What all threads of a process may share with it. Pages are taken when they are first written. */
const BUDGET = Math.min(1024 ** 3, totalmem() / 8)

/** Bytes of a slot for each of `threads` threads, from 0 (no shared memory) on. */
export function slotBytesFor(threads: number, budget = BUDGET): number {
  const slots = threads * (JOB_SLOTS + RESULT_SLOTS)
  const fitting = Math.floor(budget / slots / 4096) * 4096
  return fitting < MIN_SLOT_BYTES ? 0 : Math.min(SLOT_BYTES, fitting)
}

/** Shared memory for one thread; undefined where there is none. */
export function makeRings(slotBytes: number): Rings | undefined {
  if (slotBytes === 0) return undefined
  try {
    return { jobs: makeRing(JOB_SLOTS, slotBytes), results: makeRing(RESULT_SLOTS, slotBytes) }
  } catch (error) {
    if (error instanceof RangeError) return undefined // the process has no more memory to map
    throw error
  }
}

/** Bytes that the rings of one thread take. */
export function ringsBytes(slotBytes: number): number {
  return slotBytes === 0 ? 0 : ringBytes(JOB_SLOTS, slotBytes) + ringBytes(RESULT_SLOTS, slotBytes)
}
