import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { deserialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { Birthright, FromWorker, ToWorker } from './protocol.ts'
import { socketChannel } from './socket-channel.ts'
import { serve } from './worker-main.ts'

const STDIN = 0
const MESSAGES = 3

/** Serves one stage, in a process of its own, until it is told to finish. */
export function serveProcess(): Promise<void> {
  new Worker(new URL('./lifeline.js', import.meta.url), { execArgv: [] }).unref()
  // Ctrl-C reaches all processes of a terminal: the program says what becomes of its workers.
  process.on('SIGINT', () => undefined)
  const start = deserialize(readFileSync(STDIN)) as Birthright
  const socket = new Socket({ fd: MESSAGES, readable: true, writable: true })
  return serve(start, socketChannel<FromWorker, ToWorker>(socket))
}
