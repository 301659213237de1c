import { InvalidArgumentError } from '../index.ts'

/** @throws InvalidArgumentError for what is no connection or no table's name. */
export function checkTable(op: string, connection: unknown, table: unknown): void {
  const ok =
    typeof connection === 'string'
      ? connection !== ''
      : typeof connection === 'object' && connection !== null
  if (!ok) {
    throw new InvalidArgumentError(
      `${op}: there is no connection; is its environment variable set? postgres://user:password@host/database`,
    )
  }
  if (typeof table !== 'string' || !/^[^.]+(\.[^.]+)?$/.test(table)) {
    throw new InvalidArgumentError(`${op} takes the name of a table, or 'schema.table'`)
  }
}

/** The columns of a key. @throws InvalidArgumentError unless there are some. */
export function keyOf(op: string, key: unknown): readonly string[] {
  return namesOf(`${op}: key`, key)
}

/** Names of columns. @throws InvalidArgumentError unless there are some. */
export function namesOf(option: string, names: unknown): readonly string[] {
  const columns: readonly unknown[] = Array.isArray(names) ? names : [names]
  const good = columns.filter((name) => typeof name === 'string' && name !== '')
  if (good.length > 0 && good.length === columns.length) return good as readonly string[]
  throw new InvalidArgumentError(`${option} must be the name of a column, or some, such as 'id'`)
}
