/** The worker of those that carry what a function returns: called by a pool, or by messages as Comlink does. */
import { parentPort, workerData } from 'node:worker_threads'
import { chunkOf, type Work } from './threads-work.ts'

export interface Call {
  readonly work: Work
  readonly first: number
}

export const make = ({ work, first }: Call): readonly unknown[] => chunkOf(work, first)

if (workerData === 'messages') {
  parentPort?.on('message', (call: Call & { readonly id: number }) => {
    parentPort?.postMessage({ id: call.id, value: make(call) })
  })
  parentPort?.postMessage('ready')
}
