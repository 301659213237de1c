import { type ChildProcess, spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNatsServer } from '../cluster/index.ts'

/** Milliseconds that a worker gets to end. */
const GRACE_MS = 5_000

/**
 * `millstream dev`: a cluster on this machine for the time of one run. Workers are processes of their own, so that what
 * works here works on other machines.
 */
export async function dev(
  workers: number,
  file: string,
  run: () => Promise<number>,
): Promise<number> {
  const server = await startNatsServer()
  process.env['MILLSTREAM_NATS'] = server.url
  const children = Array.from({ length: workers }, () => startWorker(dirname(file)))
  try {
    process.stderr.write(`${workers} workers on this machine, NATS at ${server.url}\n`)
    return await run()
  } finally {
    await Promise.all(children.map(endWorker))
    await server.stop()
  }
}

/** It ends when this process does, however that ends: its stdin is closed then. */
function startWorker(folder: string): ChildProcess {
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const args = [main, 'worker', '--project', folder, '--until-eof']
  return spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // Ctrl-C is for the run, which looks after its workers.
    detached: true,
  })
}

/** A stage may hold its worker, by a connection for example; the run is over, so nobody waits for that. */
async function endWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  await ended
  clearTimeout(late)
}
