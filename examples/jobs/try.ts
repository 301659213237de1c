/**
 * Runs a job in a world of its own on this machine: node --import tsx examples/jobs/try.ts NAME [SIZE] [FLAGS]
 *
 * Jobs with tables need a PostgreSQL server, DATABASE_URL=postgres://...; they get a new database there, which is
 * dropped at the end.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type JobName, withTables, worlds } from './worlds.ts'

const [, , name = '', ...rest] = process.argv
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A database of our own on the server of `url`, and how to drop it. */
async function newDatabase(url: string) {
  const database = `millstream_job_${process.pid}`
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
  await run(`CREATE DATABASE ${database}`)
  const own = new URL(url)
  own.pathname = `/${database}`
  return { url: own.href, drop: () => run(`DROP DATABASE ${database} WITH (FORCE)`) }
}

async function tryJob(job: JobName, size: number | undefined, flags: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'millstream-job-'))
  const { DATABASE_URL: server = '' } = process.env
  const tables = withTables.includes(job)
  if (tables && server === '') throw new Error(`${job} needs a server: DATABASE_URL=postgres://...`)
  const database = tables ? await newDatabase(server) : undefined
  const world = await worlds[job]({
    folder,
    ...(database && { database: database.url }),
    ...(size !== undefined && { size }),
  })
  try {
    const file = fileURLToPath(new URL(`${job}.ts`, import.meta.url))
    const args = [command, 'run', file, '--state', join(folder, '.millstream'), ...flags]
    const env = { ...process.env, ...world.env }
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: 'inherit' })
    process.on('SIGINT', () => undefined) // the job gets it, too, and ends by itself
    const [code] = (await once(child, 'close')) as [number | null]
    if (world.api !== undefined) console.log('the API counted', world.api.stats)
    console.log(`files are in ${folder}`)
    return code ?? 1
  } finally {
    await world.close()
    await database?.drop()
  }
}

if (!Object.hasOwn(worlds, name)) {
  console.error(`which job? ${Object.keys(worlds).join(', ')}`)
  process.exitCode = 2
} else {
  const sized = /^\d+$/.test(rest[0] ?? '')
  const size = sized ? Number(rest[0]) : undefined
  process.exitCode = await tryJob(name as JobName, size, sized ? rest.slice(1) : rest)
}
