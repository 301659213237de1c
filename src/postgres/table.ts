import { DataError, Dataset, InvalidArgumentError, messageOf } from '../index.ts'
import { checkTable, keyOf } from './check.ts'
import { type Client, connect, type Connection, quoteColumn, quoteName } from './client.ts'

/** How a table is read. */
export interface TableOptions {
  /** Columns that no two rows share, and an index is on: rows come in their order. */
  readonly key: string | readonly string[]
  /** Rows of one question to the server. Default 1,000. */
  readonly pageSize?: number
}

/** Where reading goes on. The table and key are part of it, so that another table's position is refused. */
interface Cursor {
  readonly [name: string]: string | readonly string[] | null
  readonly table: string
  readonly key: readonly string[]
  /** The last row's key, as text; null at the start. */
  readonly after: readonly string[] | null
}

interface Entry<T> {
  readonly row: T
  /** The place behind it; only the last of a page has one. */
  readonly behind: Cursor | undefined
}

/**
 * The rows of a table in the order of a key. It is read page by page behind the last key that was seen: a run that is
 * resumed goes on there, without a transaction or cursor that stays open. Rows that are inserted or deleted meanwhile
 * among those that are still to come are seen or not seen. Values are those of the package pg: bigint and numeric come
 * as text.
 */
export function table<T extends object>(
  connection: Connection,
  name: string,
  options: TableOptions,
): Dataset<T> {
  checkTable('table', connection, name)
  const key = keyOf('table', options.key)
  const { pageSize = 1000 } = options
  if (!Number.isSafeInteger(pageSize) || pageSize < 1) {
    throw new InvalidArgumentError(`table: pageSize must be a whole number from 1, not ${pageSize}`)
  }
  const start: Cursor = { table: name, key, after: null }
  return Dataset.fromGenerator((signal, from) => readPages<T>(connection, from, pageSize, signal), {
    start,
    cursor: ({ behind }: Entry<T>) => behind,
  }).map(({ row }) => row)
}

async function* readPages<T>(
  connection: Connection,
  from: Cursor,
  pageSize: number,
  signal: AbortSignal,
): AsyncGenerator<Entry<T>> {
  const client = await connect(connection)
  try {
    let next: Promise<Page<T>> | undefined = readPage<T>(client, from, pageSize)
    while (next !== undefined && !signal.aborted) {
      const page: Page<T> = await next
      // The next page is on its way while this one is handed out.
      next = page.last === undefined ? undefined : readPage<T>(client, page.last, pageSize)
      next?.catch(() => undefined) // heard when it is waited for, if it ever is
      yield* page.entries
    }
  } finally {
    await client.end()
  }
}

interface Page<T> {
  readonly entries: readonly Entry<T>[]
  /** Undefined on the last page. */
  readonly last: Cursor | undefined
}

async function readPage<T>(client: Client, cursor: Cursor, pageSize: number): Promise<Page<T>> {
  const rows = await askForRows(client, cursor, pageSize)
  const entries = rows.map(({ millstream_key: key, ...row }, k): Entry<T> => {
    const after = key as readonly (string | null)[]
    if (after.includes(null)) {
      throw new DataError(
        `table(${cursor.table}): ${cursor.key.join(', ')} is null in a row; choose a key without null`,
      )
    }
    const last = k === rows.length - 1
    return {
      row: row as unknown as T,
      behind: last ? { ...cursor, after: after as readonly string[] } : undefined,
    }
  })
  const last = rows.length < pageSize ? undefined : entries.at(-1)?.behind
  return { entries, last }
}

async function askForRows(
  client: Client,
  { table: name, key, after }: Cursor,
  pageSize: number,
): Promise<readonly Record<string, unknown>[]> {
  const columns = key.map((column) => `t.${quoteColumn(column)}`)
  const places = key.map((_, k) => `$${k + 1}`).join(', ')
  const behind = after === null ? '' : `WHERE (${columns.join(', ')}) > (${places})`
  const texts = columns.map((column) => `${column}::text`).join(', ')
  try {
    const { rows } = await client.query(
      `SELECT t.*, ARRAY[${texts}] AS millstream_key FROM ${quoteName(name)} t ${behind}
       ORDER BY ${columns.join(', ')} LIMIT ${pageSize}`,
      after ?? [],
    )
    return rows
  } catch (cause) {
    throw new DataError(`table(${name}): ${messageOf(cause)}`, { cause })
  }
}
