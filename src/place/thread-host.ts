import { MessageChannel, Worker } from 'node:worker_threads'
import { tsxNeededFor } from '../stage/load.ts'
import { portChannel } from './channel.ts'
import { isCloneable } from './cloneable.ts'
import { type Exit, type Host, leftWith } from './host.ts'
import { takeMemory } from './ring/rings.ts'
import {
  mainUrl,
  sharedNow,
  type FromWorker,
  type ThreadStart,
  type ToWorker,
  type WorkerStart,
} from './protocol.ts'

export interface ThreadOptions {
  /** Bytes of one slot of the memory that it shares with this thread. Default: none. */
  readonly slotBytes?: number
  readonly heapMb?: number | undefined
}

/** Starts a thread of this process that serves a stage. */
export function startThread(
  start: WorkerStart,
  name: string,
  { slotBytes = 0, heapMb }: ThreadOptions = {},
): Host {
  const { port1, port2 } = new MessageChannel()
  const { rings, free } = takeMemory(slotBytes)
  const workerData: ThreadStart = {
    ...start,
    main: mainUrl('worker-main', import.meta.url),
    // The library's own sources are TypeScript too while it is developed.
    tsx: start.address.tsx ?? tsxNeededFor(import.meta.url),
    port: port2,
    rings,
    clock: performance.now() - sharedNow(),
  }
  const worker = new Worker(new URL('./thread.js', import.meta.url), {
    name,
    workerData,
    transferList: [port2],
    ...(heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
    // Threads inherit the process's flags; this one, of programs given as text, they refuse.
    ...(process.execArgv.some((flag) => flag.startsWith('--input-type')) && { execArgv: [] }),
  })
  let crash: Pick<Exit, 'crash'> = {}
  worker.once('error', (error) => {
    crash = { crash: error }
  })
  const exited = new Promise<Exit>((resolve) => {
    worker.once('exit', (code) => {
      free()
      resolve({ how: leftWith(code), ...crash })
    })
  })
  return {
    kind: 'thread',
    rings,
    channel: portChannel<ToWorker, FromWorker>(port1),
    exited,
    sendable: isCloneable,
    hold: (held) => {
      if (held) worker.ref()
      else worker.unref()
    },
    kill: async () => {
      await worker.terminate()
    },
  }
}
