import { InvalidArgumentError } from '../index.ts'
import { type Client, quoteName } from './client.ts'

/** A column of a table. */
export interface TableColumn {
  readonly name: string
  /** As the server writes it, such as `numeric(10,2)` or `text[]`. */
  readonly type: string
  readonly isArray: boolean
  /** True for `GENERATED ALWAYS AS`: nothing can be written to it. */
  readonly generated: boolean
}

/** What a sink must know of a table. */
export interface TableShape {
  readonly columns: ReadonlyMap<string, TableColumn>
  /** Columns of each unique index that ON CONFLICT can use. */
  readonly unique: readonly (readonly string[])[]
}

/** @throws InvalidArgumentError when there is no such table. */
export async function shapeOf(client: Client, table: string): Promise<TableShape> {
  const found = await client.query('SELECT to_regclass($1)::oid AS id', [quoteName(table)])
  const id = found.rows[0]?.['id'] ?? null
  if (id === null) {
    throw new InvalidArgumentError(
      `there is no table ${table} in the database; create it, or name its schema: 'schema.table'`,
    )
  }
  const columns = await client.query(COLUMNS, [id])
  const indexes = await client.query(INDEXES, [id])
  return {
    columns: new Map(
      columns.rows.map((row) => [String(row['name']), row as unknown as TableColumn]),
    ),
    unique: indexes.rows.map((row) => row['names'] as readonly string[]),
  }
}

const COLUMNS = `
  SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
         t.typcategory = 'A' AS "isArray", a.attgenerated <> '' AS generated
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`

const INDEXES = `
  SELECT array_agg(a.attname::text) AS names
  FROM pg_index i
  JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) AS k(attnum) ON true
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL
  GROUP BY i.indexrelid`
