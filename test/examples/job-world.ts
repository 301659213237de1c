/** The jobs of examples/jobs as commands, each in a world of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type JobName, type World, worlds } from '../../examples/jobs/worlds.ts'
import { main } from '../cli/command.ts'

export const jobsFolder = fileURLToPath(new URL('../../examples/jobs', import.meta.url))
/** What there is to do instead of a small world's: `MILLSTREAM_JOBS=2000`. */
const asked = process.env['MILLSTREAM_JOBS']

export interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** A job in its world. */
export interface Job {
  readonly world: World
  /** How much there is to do. */
  readonly size: number
  /** The working folder. */
  readonly folder: string
  start(...flags: readonly string[]): {
    readonly child: ChildProcess
    readonly ended: Promise<Ended>
  }
  run(...flags: readonly string[]): Promise<Ended>
  /** The values of a file of JSON lines. */
  lines(file: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes a world with so much to do, for a job to run in. */
export async function jobOf(name: JobName, small: number, database?: string): Promise<Job> {
  const folder = mkdtempSync(join(tmpdir(), 'millstream-job-'))
  const size = asked === undefined ? small : Number(asked)
  const world = await worlds[name]({ folder, size, ...(database !== undefined && { database }) })
  const start: Job['start'] = (...flags) => {
    const file = join(jobsFolder, `${name}.ts`)
    const args = [main, 'run', file, '--state', join(folder, 'state'), ...flags]
    const env = { ...process.env, ...world.env }
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stderr }))
    })
    return { child, ended }
  }
  return {
    world,
    size,
    folder,
    start,
    run: (...flags) => start(...flags).ended,
    lines: async (file) => {
      const lines = (await readFile(join(folder, file), 'utf8')).trimEnd().split('\n')
      return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    },
    [Symbol.asyncDispose]: async () => {
      await world.close()
      rmSync(folder, { recursive: true })
    },
  }
}
