import type { Sink } from '../index.ts'
import { type Connection, quoteName, quoteNames } from './client.ts'
import { checkTable } from './check.ts'
import { copyRows } from './rows.ts'
import { type Loader, openTable } from './writer.ts'

/** A record whose members are columns. */
export type Row<T> = object & { readonly [K in keyof T]: unknown }

/**
 * Appends rows to a table by COPY, the quickest way in. Rows and the run's position are committed in one transaction
 * (in the table `millstream_runs`): a run that is killed and run again appends each row once. Columns that a row does
 * not mention get their defaults.
 */
export function copy<T extends Row<T>>(connection: Connection, table: string): Sink<T> {
  checkTable('copy', connection, table)
  const name = `copy(${table})`
  return {
    name,
    structure: { sink: 'postgres.copy', table },
    open: (context) =>
      openTable<T>({ name, connection, table, loader: copyLoader(table) }, context),
  }
}

function copyLoader(table: string): Loader {
  return {
    prepare: async () => undefined,
    load: (client, rows) =>
      copyRows(client, `COPY ${quoteName(table)} (${quoteNames(rows.columns)}) FROM STDIN`, rows),
  }
}
