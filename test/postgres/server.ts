import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** A PostgreSQL server of a test's own: a cluster in a folder of its own, on a socket and a free port. */
export interface Server {
  /** URL of its database. */
  readonly url: string
  query(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<Record<string, unknown>>>
  /** Lets it die without a word, and starts it again: what was committed without waiting for its log may be lost. */
  crash(): void
  /** Breaks all connections but those of the test, as a restart would, and tells how many there were. */
  breakConnections(): Promise<number>
  stop(): Promise<void>
}

const programs = findPrograms()

/** Why there is no server; undefined when there can be one. Tests that need one say it. */
export const noServer =
  programs === undefined
    ? 'NOT INSTALLED: postgresql; tests that read from and write to a database are SKIPPED'
    : undefined
if (noServer !== undefined) console.error(noServer)

/** Starts a server; takes about two seconds. */
export async function startServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'millstream-pg-'))
  const data = join(folder, 'data')
  give(folder)
  run(
    'initdb',
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=trust',
    '-E',
    'UTF8',
    '--no-sync',
    '--locale=C',
  )
  const port = await freePort()
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`
  const start = (): void =>
    run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-o', options, 'start')
  const kill = (): void => run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop')
  start()
  const url = `postgres://postgres:unused@127.0.0.1:${port}/postgres`
  const pool = await openPool(url)
  return {
    url,
    query: (text, values = []) => pool.query(text, [...values]),
    crash: () => {
      kill()
      start()
    },
    breakConnections: async () => {
      const { rowCount } = await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND application_name = 'millstream'`,
      )
      return rowCount ?? 0
    },
    stop: async () => {
      await pool.end()
      kill()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Connected at once and for good: what opens later would count as a test's own. */
async function openPool(url: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: url, max: 2, idleTimeoutMillis: 0 })
  pool.on('error', () => undefined)
  const clients = await Promise.all([pool.connect(), pool.connect()])
  for (const client of clients) client.release()
  return pool
}

/** A port that nobody listened at just now. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', resolve)
  })
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Debian keeps them out of the PATH, by version. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ]
  return folders.find((folder) =>
    ['initdb', 'pg_ctl'].every((name) => existsSync(join(folder, name))),
  )
}

// The server refuses to run as root: then it is run by the user that its package made.
const asRoot = process.getuid?.() === 0

function give(folder: string): void {
  if (!asRoot) return
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })),
  )
  chownSync(folder, uid ?? 0, gid ?? 0)
  chmodSync(folder, 0o755)
}

function run(program: string, ...args: readonly string[]): void {
  const path = join(programs ?? '', program)
  const [command, rest] = asRoot
    ? (['runuser', ['-u', 'postgres', '--', path, ...args]] as const)
    : ([path, args] as const)
  execFileSync(command, rest, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
}
