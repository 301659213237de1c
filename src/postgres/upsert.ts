import { DataError, InvalidArgumentError, type Sink } from '../index.ts'
import { checkTable, keyOf, namesOf } from './check.ts'
import {
  type Client,
  type Connection,
  isPassing,
  quoteColumn,
  quoteName,
  quoteNames,
} from './client.ts'
import type { TableShape } from './columns.ts'
import type { Row } from './copy.ts'
import { checkPrune, remover } from './prune.ts'
import { copyRows, type Rows } from './rows.ts'
import { type Loader, openTable } from './writer.ts'

/** How rows find their place. */
export interface UpsertOptions<T> {
  /** Columns that a unique index or the primary key is on. */
  readonly key: NoInfer<(keyof T & string) | readonly (keyof T & string)[]>
  /**
   * Behind `onlyChanged`: removes the rows of elements that the source does not have any more, in the transaction that
   * ends the run. True finds them by `key`, which must be the key of `onlyChanged` then; the name of a column, or
   * names, say where that is instead, such as for the pieces of a document. Default false: they stay, and are counted.
   */
  readonly prune?: NoInfer<boolean | (keyof T & string) | readonly (keyof T & string)[]>
}

/** Table of this connection that rows arrive in. */
const ARRIVALS = 'millstream_arrivals'
/** Its column for the order of the rows. */
const ORDER = 'millstream_row'

/**
 * Inserts rows, or updates those that are there with the same key; of several rows with one key the last counts.
 * Members that a row does not mention keep their value, or get their default. Rows and the run's position are committed
 * in one transaction. Any number of rows and columns: they come by COPY, which has no limit of parameters.
 *
 * @throws InvalidArgumentError when the run starts, if no unique index is on the key, or a column of `prune` is missing.
 */
export function upsert<T extends Row<T>>(
  connection: Connection,
  table: string,
  options: UpsertOptions<T>,
): Sink<T> {
  checkTable('upsert', connection, table)
  const key = keyOf('upsert', options.key)
  const prune = pruneOf(options.prune, key)
  const name = `upsert(${table})`
  return {
    name,
    structure: { sink: 'postgres.upsert', table, key, ...(prune && { prune }) },
    prunes: prune !== undefined,
    open: (context) =>
      openTable<T>({ name, connection, table, loader: new Upserts(table, key, prune) }, context),
  }
}

/** Columns that hold the keys of elements; undefined where none are removed. */
function pruneOf(prune: unknown, key: readonly string[]): readonly string[] | undefined {
  if (prune === undefined || prune === false) return undefined
  return prune === true ? key : namesOf('upsert: prune', prune)
}

class Upserts implements Loader {
  readonly #prune: readonly string[] | undefined
  readonly remove?: NonNullable<Loader['remove']>
  readonly #table: string
  readonly #key: readonly string[]

  constructor(table: string, key: readonly string[], prune: readonly string[] | undefined) {
    this.#table = table
    this.#key = key
    this.#prune = prune
    if (prune !== undefined) this.remove = remover(table, prune)
  }

  async prepare(client: Client, shape: TableShape): Promise<void> {
    const wanted = this.#key.toSorted().join('\n')
    if (!shape.unique.some((names) => names.toSorted().join('\n') === wanted)) {
      throw new InvalidArgumentError(
        `upsert(${this.#table}): rows cannot be found by ${this.#key.join(', ')}, because nothing makes it unique. ` +
          `Run: CREATE UNIQUE INDEX ON ${quoteName(this.#table)} (${quoteNames(this.#key)})`,
      )
    }
    if (this.#prune !== undefined) checkPrune(this.#table, this.#prune, shape)
    await client.query(
      `CREATE TEMP TABLE ${ARRIVALS} AS SELECT 0 AS ${ORDER}, t.* FROM ${quoteName(this.#table)} t WITH NO DATA`,
    )
  }

  async load(client: Client, rows: Rows): Promise<void> {
    this.#checkKey(rows)
    await this.#arrive(client, rows)
    try {
      await client.query(this.#merge(rows.columns))
    } catch (error) {
      if (isPassing(error)) throw error
      throw rows.failure(error, await this.#culprit(client, rows))
    }
    await client.query(`TRUNCATE ${ARRIVALS}`)
  }

  #checkKey(rows: Rows): void {
    const missing = this.#key.filter((name) => !rows.columns.includes(name))
    if (missing.length === 0) return
    throw rows.failure(new DataError(`it has no ${missing.join(', ')}, which is the key`), 0)
  }

  async #arrive(client: Client, rows: Rows): Promise<void> {
    await copyRows(
      client,
      `COPY ${ARRIVALS} (${ORDER}, ${quoteNames(rows.columns)}) FROM STDIN`,
      rows,
      (row) => `${row}\t`,
    )
  }

  #merge(columns: readonly string[], below?: number): string {
    const names = quoteNames(columns)
    const key = quoteNames(this.#key)
    const others = columns
      .filter((name) => !this.#key.includes(name))
      .map((name) => quoteColumn(name))
    const update =
      others.length === 0
        ? 'NOTHING'
        : `UPDATE SET ${others.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`
    const some = below === undefined ? '' : `WHERE ${ORDER} < ${below}`
    return `INSERT INTO ${quoteName(this.#table)} (${names})
      SELECT ${names} FROM (
        SELECT DISTINCT ON (${key}) * FROM ${ARRIVALS} ${some} ORDER BY ${key}, ${ORDER} DESC
      ) AS latest
      ON CONFLICT (${key}) DO ${update}`
  }

  /**
   * The row without which the rows before it go in: found by halving, in a transaction that is rolled back. Undefined
   * where all go in now: then it needed what was written before.
   */
  async #culprit(client: Client, rows: Rows): Promise<number | undefined> {
    await client.query('ROLLBACK')
    await client.query('BEGIN')
    await this.#arrive(client, rows)
    let good = 0
    let bad = rows.lines.length
    if (await this.#goesIn(client, rows, bad)) return undefined
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2)
      if (await this.#goesIn(client, rows, middle)) good = middle
      else bad = middle
    }
    return good
  }

  async #goesIn(client: Client, rows: Rows, below: number): Promise<boolean> {
    await client.query('SAVEPOINT tried')
    try {
      await client.query(this.#merge(rows.columns, below))
      return true
    } catch (error) {
      if (isPassing(error)) throw error
      return false
    } finally {
      await client.query('ROLLBACK TO SAVEPOINT tried')
    }
  }
}
