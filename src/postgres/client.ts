import { DataError, messageOf, MissingPackageError, SinkUnavailableError } from '../index.ts'

/** Settings of a connection, as the package pg takes them; what is missing comes from PGHOST, PGUSER and so on. */
export interface ConnectionOptions {
  readonly connectionString?: string
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
  readonly password?: string
  readonly [option: string]: unknown
}

/** Where a database is: a URL such as `postgres://user:password@host/database`, or settings. */
export type Connection = string | ConnectionOptions

/** What came of a statement. */
export interface Result {
  readonly rows: readonly Record<string, unknown>[]
  readonly rowCount: number | null
}

/** The wire below a client, as far as COPY needs it. */
export interface Wire {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** Something that speaks on the wire itself. */
export interface Submittable {
  submit(wire: Wire): void
}

/** The part of pg's client that is used. */
export interface Client {
  connect(): Promise<unknown>
  query(text: string, values?: readonly unknown[]): Promise<Result>
  query(submittable: Submittable): unknown
  end(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
}

interface Pg {
  readonly Client: new (options: object) => Client
}

/** pg is an optional peer: loaded when the first connection is made. */
async function loadPg(): Promise<Pg> {
  try {
    return ((await import('pg')) as unknown as { readonly default: Pg }).default
  } catch (cause) {
    throw new MissingPackageError('pg', 'PostgreSQL', 'npm i pg', { cause })
  }
}

/**
 * An open connection.
 *
 * @throws SinkUnavailableError when there is no server, at the moment; DataError when it refuses.
 */
export async function connect(connection: Connection): Promise<Client> {
  const { Client } = await loadPg()
  const options = typeof connection === 'string' ? { connectionString: connection } : connection
  const client = new Client({ application_name: 'millstream', ...options })
  // A broken connection fails what is asked of it next; nobody else needs to hear of it.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (cause) {
    const message = `cannot connect to PostgreSQL: ${messageOf(cause)}`
    if (isPassing(cause)) throw new SinkUnavailableError(message, { cause })
    throw new DataError(
      `${message}. Check the connection: postgres://user:password@host/database`,
      {
        cause,
      },
    )
  }
}

/** What a server says of an error. */
export interface ServerError extends Error {
  readonly code?: string
  readonly detail?: string
  readonly column?: string
  readonly constraint?: string
  /** Such as `COPY orders, line 2, column price: "abc"`. */
  readonly where?: string
}

/** Codes of what passes: lost connections, a server that restarts or is full, deadlocks (SQLSTATE, errno). */
const passing =
  /^(08|57P0[1-3]$|53300$|40001$|40P01$|55P03$|ECONNREFUSED$|ECONNRESET$|EPIPE$|ETIMEDOUT$|ENOTFOUND$|EAI_AGAIN$|ENOENT$)/

/** Whether it helps to try again with a new connection. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as ServerError
  if (code !== undefined) return passing.test(code)
  return /connection (terminated|error|timeout|ended)|not queryable|was closed/i.test(error.message)
}

/** A name for SQL, `schema.table` included. */
export function quoteName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}

/** The names of columns for SQL. */
export function quoteNames(names: readonly string[]): string {
  return names.map((name) => quoteColumn(name)).join(', ')
}

/** A column's name for SQL; a dot in it is part of it. */
export function quoteColumn(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
