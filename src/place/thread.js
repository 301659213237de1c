// What a thread starts with: plain JavaScript, since Node 20 cannot start a thread from TypeScript.
import { workerData } from 'node:worker_threads'

const start = /** @type {import('./protocol.ts').ThreadStart} */ (
  /** @type {unknown} */ (workerData)
)

if (start.tsx !== undefined) {
  /** @type {unknown} */
  const tsx = await import(start.tsx)
  const api = /** @type {import('../stage/load.ts').TsxApi} */ (tsx)
  api.register()
}
/** @type {unknown} */
const main = await import(start.main)
const { serveThread } = /** @type {typeof import('./worker-main.ts')} */ (main)
await serveThread(start)
