import { CheckpointMismatchError, DataError, type Json, LockedError, messageOf } from '../index.ts'
import { type Client, isPassing, type ServerError } from './client.ts'

/**
 * How far runs have come, in the database that they write to: position and rows are committed in one transaction.
 * Each opening of a run counts its epoch up, so that a connection of a process that was killed, and that the server
 * still works for, cannot commit any more.
 */

const CREATE = `CREATE TABLE IF NOT EXISTS millstream_runs (
  run text PRIMARY KEY,
  epoch bigint NOT NULL,
  position text,
  updated_at timestamptz NOT NULL DEFAULT now()
)`

/** Waits at most so long for the last transaction of the process before: its connection may be broken. */
const PATIENCE = "SET lock_timeout = '30s'"

/** A run that this connection owns. */
export interface OwnedRun {
  readonly run: string
  readonly epoch: string
  /** What was committed last. */
  readonly position: Json | undefined
}

/**
 * Makes this connection the owner of a run.
 *
 * @throws CheckpointMismatchError when the run has committed something, and not here.
 */
export async function takeRun(client: Client, run: string, committed: boolean): Promise<OwnedRun> {
  await makeTable(client)
  await client.query(PATIENCE)
  const { rows } = await client.query(
    `INSERT INTO millstream_runs AS r (run, epoch) VALUES ($1, 1)
     ON CONFLICT (run) DO UPDATE SET epoch = r.epoch + 1, updated_at = now()
     RETURNING epoch, position`,
    [run],
  )
  await client.query('SET lock_timeout = 0')
  const position = rows[0]?.['position']
  if (committed && typeof position !== 'string') {
    throw new CheckpointMismatchError(
      `the database knows nothing of the run ${run}, which has written before: it is another database, or millstream_runs was emptied. ` +
        'Connect to the right one, or start anew (--restart)',
    )
  }
  return {
    run,
    epoch: String(rows[0]?.['epoch']),
    position: typeof position === 'string' ? (JSON.parse(position) as Json) : undefined,
  }
}

/** Notes a position in the transaction that is under way. @throws LockedError when another connection took over. */
export async function notePosition(
  client: Client,
  { run, epoch }: OwnedRun,
  position: Json,
): Promise<void> {
  const { rowCount } = await client.query(
    'UPDATE millstream_runs SET position = $3, updated_at = now() WHERE run = $1 AND epoch = $2',
    [run, epoch, JSON.stringify(position)],
  )
  if (rowCount !== 1) throw new LockedError(`another process has taken over the run ${run}`)
}

async function makeTable(client: Client): Promise<void> {
  const { rows } = await client.query(`SELECT to_regclass('millstream_runs') AS id`)
  if (rows[0]?.['id'] !== null) return
  try {
    await client.query(CREATE)
  } catch (cause) {
    // Two that make it at the same time: one finds its name taken.
    if ((cause as ServerError).code === '23505') return
    if (isPassing(cause)) throw cause
    throw new DataError(
      `cannot make the table millstream_runs, which keeps how far a run has come: ${messageOf(cause)}. Let somebody who may run: ${CREATE}`,
      { cause },
    )
  }
}
