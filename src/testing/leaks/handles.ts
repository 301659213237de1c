import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { type Server, Socket } from 'node:net'
import type { Worker } from 'node:worker_threads'
import { here } from './where.ts'

/** Something of the system that was opened: a process, a thread, a server, a connection. */
export interface HandleOpened {
  /** Undefined when it is not open. */
  readonly what: () => string | undefined
  /** True when it will not be open again. */
  readonly over: () => boolean
}

const handles = new Map<object, HandleOpened & { readonly stack: Error }>()
let watching = false

/**
 * Remembers from here on, for the rest of the process, who opened what. Node tells it on its diagnostics channels, but
 * for connections of those who make their own `Socket`, as database clients do.
 */
export function watchHandles(): void {
  if (watching) return
  watching = true
  watch('child_process', ({ process }: { process: ChildProcess }) => [process, child(process)])
  watch('worker_threads', ({ worker }: { worker: Worker }) => [worker, thread(worker)])
  watch('tracing:net.server.listen:asyncStart', ({ server }: { server: Server }) => [
    server,
    listener(server),
  ])
  watchConnections()
}

function watchConnections(): void {
  const { connect } = Socket.prototype as { connect: (this: Socket, ...args: unknown[]) => Socket }
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    handles.set(this, { ...connection(this), stack: here() })
    return connect.apply(this, args)
  }
}

/** What may be open. */
export function handlesOpened(): ReadonlyMap<object, HandleOpened & { readonly stack: Error }> {
  for (const [handle, { over }] of handles) if (over()) handles.delete(handle)
  return handles
}

function watch<M>(channel: string, of: (message: M) => readonly [object, HandleOpened]): void {
  subscribe(channel, (message) => {
    const [handle, opened] = of(message as M)
    handles.set(handle, { ...opened, stack: here() })
  })
}

function child(process: ChildProcess): HandleOpened {
  const over = (): boolean => process.exitCode !== null || process.signalCode !== null
  return {
    over,
    what: () => {
      // Without a number it was not started: there is no such file.
      if (process.pid === undefined || over()) return undefined
      return `process ${process.pid}: ${process.spawnargs.join(' ').slice(0, 200)}`
    },
  }
}

function thread(worker: Worker): HandleOpened {
  let over = false
  worker.once('exit', () => (over = true))
  return { over: () => over, what: () => (over ? undefined : `thread ${worker.threadId}`) }
}

/** It is over when the last connection is. */
function listener(server: Server): HandleOpened {
  let state: 'new' | 'open' | 'over' = 'new'
  server.once('listening', () => (state = 'open'))
  server.once('close', () => (state = 'over'))
  const where = (): string => {
    const address = server.address()
    if (address === null) return 'that waits for its connections to end'
    return typeof address === 'string' ? `at ${address}` : `at port ${address.port}`
  }
  return {
    over: () => state === 'over',
    what: () => (state === 'open' ? `server ${where()}` : undefined),
  }
}

function connection(socket: Socket): HandleOpened {
  return {
    over: () => socket.destroyed,
    what: () => {
      if (socket.destroyed) return undefined
      const { remoteAddress: host, remotePort: port } = socket
      return `connection${host === undefined ? '' : ` to ${host}:${port ?? '?'}`}`
    },
  }
}
