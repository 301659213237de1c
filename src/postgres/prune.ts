import { type ChangeKey, DataError, InvalidArgumentError, messageOf } from '../index.ts'
import { type Client, isPassing, quoteColumn, quoteName } from './client.ts'
import type { TableShape } from './columns.ts'

/** Removes the rows of a table whose `columns` hold one of some keys. */
export function remover(table: string, columns: readonly string[]) {
  return async (client: Client, shape: TableShape, keys: readonly ChangeKey[]): Promise<void> => {
    const values = columns.map((_, k) => keys.map((key) => partOf(key, k, columns)))
    try {
      await client.query(statementOf(table, columns, shape), values)
    } catch (cause) {
      if (isPassing(cause)) throw cause
      throw new DataError(
        `upsert(${table}): cannot remove rows by ${columns.join(', ')}: ${messageOf(cause)}. ` +
          'They are found by what onlyChanged has as key; name its columns: { prune: [...] }',
        { cause },
      )
    }
  }
}

/** @throws InvalidArgumentError when the table lacks one of the columns. */
export function checkPrune(table: string, columns: readonly string[], shape: TableShape): void {
  for (const name of columns) {
    if (shape.columns.has(name)) continue
    throw new InvalidArgumentError(
      `upsert(${table}): prune names ${name}, and the table has no such column; it has ${[...shape.columns.keys()].join(', ')}`,
    )
  }
}

/** Keys come as text and are read as what the columns hold: then an index on these is used. */
function statementOf(table: string, columns: readonly string[], shape: TableShape): string {
  const texts = columns.map((_, k) => `$${k + 1}::text[]`).join(', ')
  const names = columns.map((_, k) => `c${k}`)
  const same = columns.map((column, k) => {
    const { type } = shape.columns.get(column) ?? { type: 'text' }
    return `t.${quoteColumn(column)} = gone.c${k}::${type}`
  })
  return `DELETE FROM ${quoteName(table)} t USING unnest(${texts}) AS gone (${names.join(', ')})
    WHERE ${same.join(' AND ')}`
}

function partOf(key: ChangeKey, k: number, columns: readonly string[]): string {
  const parts = Array.isArray(key) ? (key as readonly unknown[]) : [key]
  if (parts.length === columns.length) return String(parts[k])
  throw new DataError(
    `rows to remove are found by ${columns.join(', ')}, but the key of onlyChanged has ${parts.length} parts: ` +
      'give it as many, in this order, or name the columns that hold it: { prune: [...] }',
  )
}
