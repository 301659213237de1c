/** PostgreSQL: tables as sources and sinks. Needs the package pg. */
export type { Connection, ConnectionOptions } from './client.ts'
export { copy, type Row } from './copy.ts'
export { table, type TableOptions } from './table.ts'
export { upsert, type UpsertOptions } from './upsert.ts'
