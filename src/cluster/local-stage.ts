import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ClusterError, WorkerDiedError } from '../errors/index.ts'
import { threads } from '../place/index.ts'
import { loadProgram } from '../stage/load.ts'
import { recordOf, type StageRecord } from '../stage/record.ts'
import type { Job, JobResult, WorkPool } from '../stream/pool.ts'
import { codeOf, differences } from './code.ts'
import { unwire } from './codec.ts'
import type { StageDescription } from './messages.ts'

/**
 * A stage of this project in threads of its own, so that signs of life go out while it works. Threads that die are
 * replaced, and what none of them survives is found; when that fails too, all are made anew.
 */
export class LocalStage {
  readonly #record: StageRecord
  readonly #slots: number
  readonly #signal: AbortSignal
  #pool: Promise<WorkPool>

  /** @throws ClusterError when the code here is other code; what its module or its setup throws. */
  static async open(
    project: string,
    description: StageDescription,
    slots: number,
    signal: AbortSignal,
  ): Promise<LocalStage> {
    const record = await findStage(project, description)
    const stage = new LocalStage(record, slots, signal)
    await stage.#pool
    return stage
  }

  private constructor(record: StageRecord, slots: number, signal: AbortSignal) {
    this.#record = record
    this.#slots = slots
    this.#signal = signal
    this.#pool = this.#start()
  }

  /** @throws WorkerDiedError when no thread is left. */
  async run(job: Job): Promise<JobResult> {
    const pool = this.#pool
    try {
      return await (await pool).run(job)
    } catch (error) {
      if (error instanceof WorkerDiedError && this.#pool === pool) this.#pool = this.#replace(pool)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#end(this.#pool)
  }

  #start(): Promise<WorkPool> {
    return threads(this.#slots).open(this.#record, this.#signal, { replaces: true })
  }

  async #replace(pool: Promise<WorkPool>): Promise<WorkPool> {
    await this.#end(pool)
    return this.#start()
  }

  /** Who waited for the pool, or for what died in it, has been told. */
  async #end(pool: Promise<WorkPool>): Promise<void> {
    const opened = await pool.catch(() => undefined)
    await opened?.close().catch(() => undefined)
  }
}

async function findStage(
  project: string,
  { code, key, name, config }: StageDescription,
): Promise<StageRecord> {
  const differing = differences(code, codeOf(project, code.module))
  if (differing.length > 0) {
    throw new ClusterError(`${name} is other code in ${project}: ${differing.join(', ')}`)
  }
  const namespace = await loadProgram(pathToFileURL(join(project, code.module)).href)
  const record = recordOf(namespace[key])
  if (record === undefined) throw new ClusterError(`${key} of ${code.module} is not a stage here`)
  return { ...record, config: unwire(config)[0] }
}
