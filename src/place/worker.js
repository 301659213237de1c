// What a thread starts with: plain JavaScript, since Node 20 cannot start a thread from TypeScript.
import { workerData } from 'node:worker_threads'

/** @type {import('./protocol.ts').WorkerStart} */
const start = workerData

if (start.tsx !== undefined) {
  const { register } = await import(start.tsx)
  register()
}
/** @type {typeof import('./worker-main.ts')} */
const { serve } = await import(start.main)
await serve(start)
