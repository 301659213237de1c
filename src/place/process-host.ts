import { spawn, type StdioOptions } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import { tsxNeededFor } from '../stage/load.ts'
import { type Exit, type Host, leftWith } from './host.ts'
import {
  type Birthright,
  type FromWorker,
  mainUrl,
  sharedNow,
  type ToWorker,
  type WorkerStart,
} from './protocol.ts'
import { socketChannel } from './socket-channel.ts'

/** What is written to a worker's stdin; its output is this program's; then messages, and the lifeline. */
const stdio: StdioOptions = ['pipe', 'inherit', 'inherit', 'pipe', 'pipe']

/** Starts a process that serves a stage. */
export function startProcess(start: WorkerStart, name: string, heapMb?: number): Host {
  const birthright: Birthright = {
    ...start,
    rings: undefined,
    clock: performance.now() - sharedNow(),
  }
  const main = mainUrl('process-main', import.meta.url)
  // The library's own sources are TypeScript too while it is developed.
  const tsx = start.address.tsx ?? tsxNeededFor(import.meta.url) ?? ''
  const entry = fileURLToPath(new URL('./process.js', import.meta.url))
  const heap = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`]
  const flags = [...inherited(process.execArgv), ...heap]
  const child = spawn(process.execPath, [...flags, entry, main, tsx, name], { stdio })
  const [stdin, , , messages, lifeline] = child.stdio as unknown as [
    Socket | null,
    null,
    null,
    Socket | null,
    Socket | null,
  ]
  if (stdin === null || messages === null || lifeline === null) {
    throw new TypeError('a process was started without its pipes')
  }
  // What goes wrong with pipes ends the process, which is told.
  for (const pipe of [stdin, lifeline]) pipe.on('error', () => undefined)
  lifeline.resume().unref()
  stdin.end(serialize(birthright))
  stdin.unref()
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ how: signal === null ? leftWith(code ?? 0) : endedBy(signal) })
    })
    child.once('error', (error) => {
      for (const pipe of [stdin, messages, lifeline]) pipe.destroy()
      resolve({ how: 'it could not be started', crash: error })
    })
  })
  return {
    kind: 'process',
    channel: socketChannel<ToWorker, FromWorker>(messages),
    rings: undefined,
    exited,
    sendable: isSerializable,
    hold: (held) => {
      if (held) child.ref()
      else child.unref()
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** True when a value can be sent to another process. */
export function isSerializable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false // a DataCloneError is the answer
  }
}

const hints: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGKILL: ', as the system does when memory runs short',
  SIGABRT: ', as Node does when its heap is full, and native code that gives up',
}

function endedBy(signal: NodeJS.Signals): string {
  return `it was ended by ${signal}${hints[signal] ?? ''}`
}

/** Flags of this program that its workers get too: not its text, nor what only one process can have. */
function inherited(flags: readonly string[]): string[] {
  const result: string[] = []
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] ?? ''
    if (/^(-e|-p|-pe|--eval|--print)$/.test(flag)) i++
    else if (!/^--(input-type|inspect|eval|print|test|watch)/.test(flag)) result.push(flag)
  }
  return result
}
