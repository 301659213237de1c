import {
  type ChangeKey,
  DataError,
  type Json,
  messageOf,
  MillstreamError,
  type SinkContext,
  SinkUnavailableError,
  type Writer,
} from '../index.ts'
import { type Client, connect, type Connection, isPassing } from './client.ts'
import { shapeOf, type TableShape } from './columns.ts'
import { type Rows, RowsBuffer } from './rows.ts'
import { notePosition, type OwnedRun, takeRun } from './runs.ts'

/** How rows get into a table. */
export interface Loader {
  /** Checks that the table fits, and makes what the connection needs; once. */
  prepare(client: Client, shape: TableShape): Promise<void>
  /** Puts rows with the same members into the table; they come with their text for COPY. */
  load(client: Client, rows: Rows): Promise<void>
  /** Removes the rows of elements with these keys, where they are to be removed. */
  readonly remove?: (client: Client, shape: TableShape, keys: readonly ChangeKey[]) => Promise<void>
}

/** What a table's sink is made of. */
export interface WriterParts {
  /** As it is printed, such as `upsert(orders)`. */
  readonly name: string
  readonly connection: Connection
  readonly table: string
  readonly loader: Loader
}

/** Opens a table for rows: these and the run's position are committed in one transaction. */
export async function openTable<T>(parts: WriterParts, context: SinkContext): Promise<Writer<T>> {
  const client = await connect(parts.connection)
  try {
    const shape = await shapeOf(client, parts.table)
    await parts.loader.prepare(client, shape)
    const owned = await takeRun(client, context.run, context.state !== undefined)
    return new TableWriter<T>(parts, client, shape, owned)
  } catch (error) {
    await closed(client)
    throw translated(error, parts.name)
  }
}

class TableWriter<T> implements Writer<T> {
  readonly position: Json | undefined
  readonly #parts: WriterParts
  readonly #client: Client
  readonly #owned: OwnedRun
  readonly #buffer: RowsBuffer
  readonly prune?: (keys: readonly ChangeKey[]) => Promise<void>
  #begun = false

  constructor(parts: WriterParts, client: Client, shape: TableShape, owned: OwnedRun) {
    this.position = owned.position
    this.#parts = parts
    this.#client = client
    this.#owned = owned
    this.#buffer = new RowsBuffer(parts.name, parts.table, shape)
    const { remove } = parts.loader
    if (remove === undefined) return
    this.prune = (keys) =>
      this.#guarded(async () => {
        const rest = this.#buffer.take()
        if (rest !== undefined) await this.#load(rest)
        await this.#begin()
        await remove(client, shape, keys)
      })
  }

  write = ({ first }: { readonly first: number }, elements: readonly T[]): Promise<void> =>
    this.#guarded(async () => {
      for (let k = 0; k < elements.length; k++) {
        const full = this.#buffer.add(elements[k], first + k)
        if (full !== undefined) await this.#load(full)
      }
    })

  commit = (position: Json, durable: boolean): Promise<Json> =>
    this.#guarded(async () => {
      const rest = this.#buffer.take()
      if (rest !== undefined) await this.#load(rest)
      await this.#begin()
      await notePosition(this.#client, this.#owned, position)
      // Rows and position are lost together or not at all: only who asks for it waits for the server's disk.
      if (!durable) await this.#client.query('SET LOCAL synchronous_commit TO OFF')
      await this.#client.query('COMMIT')
      this.#begun = false
      return null
    })

  finish = async (): Promise<void> => {
    await closed(this.#client)
  }

  abort = async (): Promise<void> => {
    await closed(this.#client) // the server rolls back what is not committed
  }

  async #load(rows: Rows): Promise<void> {
    await this.#begin()
    await this.#parts.loader.load(this.#client, rows)
  }

  async #begin(): Promise<void> {
    if (!this.#begun) await this.#client.query('BEGIN')
    this.#begun = true
  }

  async #guarded<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work()
    } catch (error) {
      throw translated(error, this.#parts.name)
    }
  }
}

/** What the run should know: that it may try again, or that it may not. */
function translated(error: unknown, name: string): unknown {
  if (error instanceof MillstreamError) return error
  const message = `${name}: ${messageOf(error)}`
  return isPassing(error)
    ? new SinkUnavailableError(message, { cause: error })
    : new DataError(message, { cause: error })
}

/** Milliseconds that a connection gets to say goodbye. */
const GRACE = 1000

async function closed(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GRACE)
  })
  // A broken connection has nothing more to say.
  const ended = client.end().catch(() => undefined)
  await Promise.race([ended, late]).finally(() => clearTimeout(timer))
}
