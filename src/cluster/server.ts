import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ClusterError } from '../errors/index.ts'

/** A NATS server of this process. */
export interface NatsServer {
  readonly url: string
  readonly pid: number
  /** Ends it and removes its files. Safe to call twice. */
  stop(): Promise<void>
}

/** Milliseconds that a server gets to start, and between two looks whether it has. */
const START_MS = 20_000
const LOOK_MS = 20
/** Where Debian puts it, outside of most people's PATH. */
const DEBIAN = '/usr/sbin'

/**
 * Starts the server with stdin held open by this process: when this process ends, however it does, the server follows.
 */
const KEEPER =
  'trap "" INT; "$@" </dev/null & child=$!; echo $child; read -r _; kill $child; wait $child'

/**
 * Starts a NATS server on this machine, with its files in a temporary folder. `port`: -1, the default, is a free one.
 *
 * @throws ClusterError when there is no nats-server, or it does not start.
 */
export async function startNatsServer({ port = -1 } = {}): Promise<NatsServer> {
  const program = findServer()
  const folder = mkdtempSync(join(tmpdir(), 'millstream-nats-'))
  const listen = ['-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', folder]
  const args = ['-js', '-sd', folder, ...listen]
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', program, ...args, '-l', join(folder, 'log')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => keeper.once('close', () => resolve()))
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= end(keeper, ended, folder))
  try {
    const pid = Number(await firstLine(keeper))
    return { url: await urlIn(folder, ended), pid, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function end(keeper: ChildProcess, ended: Promise<void>, folder: string): Promise<void> {
  keeper.stdin?.end()
  await ended
  await rm(folder, { recursive: true, force: true })
}

/** @throws ClusterError when there is none. */
export function findServer(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), DEBIAN]
  const found = folders.map((folder) => join(folder, 'nats-server')).find(isProgram)
  if (found !== undefined) return found
  throw new ClusterError(
    'there is no nats-server on PATH: apt install nats-server (Debian, Ubuntu), or see https://nats.io/download',
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // that it cannot be run is the answer
  }
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => stdout?.once('data', (data) => resolve(String(data).trim())))
}

/** The server writes down where it listens once it does. */
async function urlIn(folder: string, ended: Promise<void>): Promise<string> {
  let gone = false
  void ended.then(() => (gone = true))
  const until = performance.now() + START_MS
  while (performance.now() < until && !gone) {
    const name = readdirSync(folder).find((each) => each.endsWith('.ports'))
    const text = name === undefined ? '' : readFileSync(join(folder, name), 'utf8')
    if (text !== '') {
      const { nats } = JSON.parse(text) as { readonly nats: readonly string[] }
      if (nats[0] !== undefined) return nats[0]
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  const log = join(folder, 'log')
  const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : undefined
  throw new ClusterError(`nats-server did not start${last === undefined ? '' : `: ${last}`}`)
}
